"""Scoring: what is counted, clues for the ledgers, counts of the switchboard."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from backend.domain.scoring.measures import Measure
from backend.ports.ledgers import LedgerEntry, LedgerStore, RegisterStore
from backend.ports.score_runs import Contest, Exclusion, Run, RunStore


class Clue(StrEnum):
    """What is looked for."""

    PRAISE = "praise"  # praise received, remarks of satisfied requesters (B24, B50)
    SUPERVISION = "supervision"  # orders that expired, progress that was refused (B57)
    COORDINATED = "coordinated"  # flagged matters, closed, the requester expressly satisfied (B27)
    CONTRADICTED = "contradicted"  # the requester's last word in a visit denies what the unit reported (B48)
    RECOGNISED = "recognised"  # a complaint about record or dispatch that was recognised, or that lateness drew (B22)
    UNANSWERED = "unanswered"  # no reply in time, and the requester came again before there was one (B49)
    ENDURING = "enduring"  # a complaint that has had no result for long (B30, B55)
    ESCALATED = "escalated"  # a flagged matter grew worse, and no unit had been consulted (B21)


@dataclass(frozen=True, slots=True)
class ClueSpan:
    """Events from `start` to before `end`, as known at `now`; `enduring` days without a result are long."""

    start: datetime
    end: datetime
    now: datetime
    enduring: int


@dataclass(frozen=True, slots=True)
class LedgerCandidate:
    """A candidate for a ledger line: its unit and ticket, the row's id, why, what was noted, a ticket that came later."""

    unit: str
    ticket: str
    number: int
    why: str = ""
    text: str = ""
    other: str = ""


class ClueStore(Protocol):
    """Finds candidates for ledger lines."""

    async def find_clues(self, clue: Clue, span: ClueSpan) -> Sequence[LedgerCandidate]:
        """Find the candidates of one kind, oldest event first; an urgent grade alone is no flagged matter (XD11)."""
        ...

    async def list_in_hand(
        self, units: Collection[str], start: datetime, end: datetime, limit: int
    ) -> Sequence[tuple[str, str]]:
        """List (unit, ticket) of what these units led at any time of the span, newest first, at most `limit` a unit."""
        ...


ConnectPlace = tuple[str, str, str]  # institution, ISO day, channel


@dataclass(frozen=True, slots=True)
class ConnectCount:
    """One day of one channel: calls or items offered (来话), answered (接通), abandoned (放弃; None: not told)."""

    unit: str
    day: str
    channel: str
    offered: int
    answered: int
    abandoned: int | None = None

    @property
    def place(self) -> ConnectPlace:
        """What it is the count of."""
        return self.unit, self.day, self.channel


@dataclass(frozen=True, slots=True)
class ConnectSum:
    """A channel's counts, added over so many days."""

    unit: str
    channel: str
    days: int
    offered: int
    answered: int
    abandoned: int | None


class ConnectStore(Protocol):
    """Reads counts by day and channel."""

    async def sum_connect_counts(self, first: date, end: date, as_of: datetime) -> Sequence[ConnectSum]:
        """Add the counts of the days from `first` to before `end` up, as known at `as_of`, by unit and channel."""
        ...

    async def find_connect_counts(self, places: Collection[ConnectPlace]) -> Mapping[ConnectPlace, ConnectCount]:
        """Return the counts in force at these places."""
        ...

    async def list_connect_channels(self, unit: str, month: str) -> frozenset[str]:
        """Return the channels an institution has counts of in a month."""
        ...

    async def list_connect_lines(self, months: Collection[str]) -> frozenset[tuple[str, str, str]]:
        """Return (unit, month, channel) of ledger lines with counts (`connect`), entered or accepted; "": all channels."""
        ...


__all__ = [
    "Cohort",
    "Contest",
    "EvidenceTicket",
    "Exclusion",
    "LedgerEntry",
    "PendingRequest",
    "Run",
    "ScoringStore",
    "TicketShare",
    "UnitCount",
]


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A unit's request that waits for a decision: return, extension, unreasonable or appeal (B34-B40)."""

    id: int
    kind: str
    ticket: str
    assignment_id: int | None
    asked_at: datetime
    new_due_at: datetime | None = None  # requested by an extension


@dataclass(frozen=True, slots=True)
class Cohort:
    """What to count: instants from `start` to before `end`, as known at `as_of`.

    The text fields hold the `scoring.*` settings that change a cohort (COUNTING); `unit` limits the result to one.
    Requests in `granted` count as accepted at `as_of` although they are pending. `open_only`: of the measures in
    `OPEN_MEASURES`, only what is neither done nor late at `as_of` and therefore in no rate yet (Q9, Q15).
    """

    start: datetime
    end: datetime
    as_of: datetime
    closure_basis: str = "closed"
    return_basis: str = "accepted"
    unreasonable_mode: str = "keep_in_denominator"
    second_visit_unreached: str = "satisfied"
    sign_month: str = "dispatched"
    sign_returned: str = "keep"
    assisting: str = "sign"
    dispatch_month: str = "generated"
    dispatch_basis: str = "requiring"
    return_month: str = "submitted"
    extension_month: str = "closed"
    satisfaction_month: str = "closed"
    red_card_month: str = "due"
    red_card_basis: str = "in_hand"
    merged: str = "once"
    response_basis: str = "said_or_recorded"
    unit: str | None = None
    granted: tuple[PendingRequest, ...] = ()
    open_only: bool = False


@dataclass(frozen=True, slots=True)
class UnitCount:
    """Numerator and denominator of one unit."""

    unit: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class EvidenceTicket:
    """A ticket behind a line. `failed` if it counts against the unit; `of` is how many tickets there are in all."""

    unit: str
    ticket: str
    failed: bool
    total: int


@dataclass(frozen=True, slots=True)
class TicketShare:
    """A ticket excluded from an item (剔除): what it had added to numerator and denominator, and why."""

    unit: str
    ticket: str
    numerator: int
    denominator: int
    reason: str


class ScoringStore(LedgerStore, RunStore, RegisterStore, ConnectStore, ClueStore, Protocol):
    """Stores and counts what scoring needs."""

    async def count(self, measures: Sequence[Measure], cohort: Cohort) -> Mapping[Measure, Sequence[UnitCount]]:
        """Count each measure by unit, one pass per measure, all on one view of the data if the engine supports it."""
        ...

    async def list_evidence(self, measure: Measure, cohort: Cohort, limit: int) -> Sequence[EvidenceTicket]:
        """List the tickets behind a measure, failing ones first, at most `limit` per unit."""
        ...

    async def list_unit_evidence(
        self, measure: Measure, cohort: Cohort, offset: int, limit: int, *, failed: bool = False
    ) -> Sequence[EvidenceTicket]:
        """Return a page of the tickets behind one unit's measure (`question.unit`), failing first, or only those."""
        ...

    async def list_excluded_shares(
        self, measure: Measure, item: str, month: str, cohort: Cohort
    ) -> Sequence[TicketShare]:
        """List what the accepted exclusions of an item's month, known at `as_of`, subtract from the counts."""
        ...

    async def list_ticket_shares(self, measure: Measure, ticket: str, cohort: Cohort) -> Sequence[TicketShare]:
        """List what one ticket adds to the counts of `question.unit`."""
        ...

    async def list_pending_requests(
        self, unit: str, kinds: Sequence[str], until: datetime, limit: int
    ) -> Sequence[PendingRequest]:
        """List a unit's pending requests of these kinds about assignments dispatched before `until`, oldest first."""
        ...

    async def find_first_record(self) -> datetime | None:
        """Return when this installation wrote its first journal line (its settings are known since); None before."""
        ...
