"""Record types of imported rows, one per kind of import (contract §4); `row` is the number the user sees."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from backend.domain.ticket_enums import Answer, Category, Contacted, Grade, Resolved, Role, UnitKind
from backend.importing.files.vocabulary import ClaimDecision, LedgerKind, Level, ReturnDecision, SignedBy, VisitKind
from backend.tickets.new_ticket import NewTicket


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit (A2). `parent` is a code or a name, to be looked up."""

    row: int
    code: str
    name: str
    kind: UnitKind
    region: str | None
    parent: str | None
    province_department: bool | None  # absent: unchanged


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person (A36). `unit` is a code or a name; `code` is absent in 附件2; `phone` is E.164 (or `…;ext=…`)."""

    row: int
    code: str | None
    name: str
    unit: str
    role: Role
    phone: str
    key_name: str | None
    key_authorised: bool | None  # A37; absent: unchanged
    key_subject: str | None


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A shift (B19): begin and end, or a day and hours. Unit and persons are codes or names."""

    row: int
    unit: str
    person: str
    deputy: str | None
    begin: datetime | None
    end: datetime | None
    day: date | None
    hours: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow(NewTicket):
    """A demand. Absent values stay None: such a ticket waits as `registered`. `extra` has 答复意见 of a petition."""

    row: int
    ticket_no: str
    generated_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryReturn:
    """退单 of an assignment; `decision` None while it waits."""

    submitted_at: datetime
    decision: ReturnDecision | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class HistoryExtension:
    """One granted extension."""

    granted_at: datetime
    new_due_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryAssignment:
    """The assignment of one unit. `red_card` None: computed later (contract §4). `contacted_at`: first contact (A11)."""

    unit: str
    lead: bool
    dispatched_at: datetime
    signed_at: datetime | None
    signed: SignedBy | None
    returned: HistoryReturn | None
    extensions: tuple[HistoryExtension, ...]
    close_due_at: datetime | None
    closed_at: datetime | None
    red_card: bool | None
    contacted_at: datetime | None


@dataclass(frozen=True, slots=True)
class HistoryVisit:
    """One return visit."""

    kind: VisitKind
    at: datetime
    answer: Answer | None
    contacted: Contacted | None
    resolved: Resolved | None


@dataclass(frozen=True, slots=True)
class HistoryClaim:
    """A 不合理诉求 claim and its decision."""

    decision: ClaimDecision
    decided_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow(NewTicket):
    """A ticket with its complete history, as exported from an older platform."""

    row: int
    ticket_no: str
    category: Category
    grade: Grade
    generated_at: datetime
    management: str | None
    direct_answer: bool
    mass_incident: bool
    assignments: tuple[HistoryAssignment, ...]
    visits: tuple[HistoryVisit, ...]
    unreasonable: HistoryClaim | None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A line of a ledger (台账). `month` is 2026-10; `timely`, `total` belong to `connect`."""

    row: int
    kind: LedgerKind
    unit: str
    month: str
    count: int
    level: Level | None
    matter: str | None
    points: Decimal | None
    note: str | None
    evidence: str | None
    timely: int | None
    total: int | None
    tickets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """A day that differs from its weekday: `working` true for a 调休 weekend, false for a holiday."""

    row: int
    day: date
    working: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A return visit made by 12351 staff (A34)."""

    row: int
    ticket_no: str
    kind: VisitKind
    at: datetime
    contacted: Contacted | None
    resolved: Resolved | None
    answer: Answer | None
    note: str | None


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """A row of the dispatch catalogue (A6). `unit` is a code or a name; `keywords` is the list as written."""

    row: int
    category: Category | None
    keywords: str | None
    region: str | None
    unit: str
    basis: str | None
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class ConnectRow:
    """接通情况 of a day on a channel (B15). `unit` is a code or a name; `abandoned` None: not told."""

    row: int
    unit: str
    day: date
    channel: str
    offered: int
    answered: int
    abandoned: int | None


Record = (
    CatalogueRow
    | UnitRow
    | PersonRow
    | TicketRow
    | HistoryRow
    | LedgerRow
    | CalendarRow
    | VisitRow
    | RosterRow
    | ConnectRow
)


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """Why a row was refused: the field, a stable code, and one sentence for the person."""

    row: int
    field: str
    code: str
    message: str
