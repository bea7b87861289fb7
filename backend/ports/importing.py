"""Imports and imported histories."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade, Obligation
from backend.ports.scoring import ConnectCount, ConnectStore


@dataclass(frozen=True, slots=True)
class ImportedLedgerLine:
    """A ledger line (台账) as read from a file; `fingerprint` distinguishes it from every other."""

    fingerprint: str
    kind: str
    unit: str
    month: str
    count: int
    level: str | None = None
    matter: str | None = None
    points: str | None = None
    note: str = ""
    evidence: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    tickets: tuple[str, ...] = ()


class ImportStore(ConnectStore, Protocol):
    """Stores imports."""

    async def record_import(
        self, kind: str, sha256: str, name: str, by: str, at: datetime, report: Mapping[str, Any]
    ) -> None:
        """Record that a file was imported, and the report."""
        ...

    async def add_ledger_lines(self, lines: Sequence[ImportedLedgerLine], by: str, at: datetime) -> list[bool]:
        """Add ledger lines in one transaction; False for each that exists already."""
        ...

    async def save_connect_counts(self, counts: Sequence[ConnectCount], by: str, at: datetime) -> list[bool]:
        """Put counts in force in one transaction; False for each that is already. What they replace is kept."""
        ...

    async def list_locked_periods(self) -> frozenset[tuple[str, str]]:
        """Return (period, scheme) of every locked run; scheme "" stands for all."""
        ...

    async def find_existing_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        """Return those of the ticket numbers that exist."""
        ...

    async def find_existing_lines(self, fingerprints: Collection[str]) -> frozenset[str]:
        """Return those of the fingerprints that exist already."""
        ...


ComputeDue = Callable[[Obligation, Grade, Category | None, datetime, str | None], datetime]


class ReturnLike(Protocol):
    """退单 of an assignment."""

    @property
    def submitted_at(self) -> datetime: ...
    @property
    def decision(self) -> str | None: ...
    @property
    def decided_at(self) -> datetime | None: ...


class ExtensionLike(Protocol):
    """A granted extension."""

    @property
    def granted_at(self) -> datetime: ...
    @property
    def new_due_at(self) -> datetime: ...


class AssignmentLike(Protocol):
    """One assignment of a unit."""

    @property
    def unit(self) -> str: ...
    @property
    def lead(self) -> bool: ...
    @property
    def dispatched_at(self) -> datetime: ...
    @property
    def signed_at(self) -> datetime | None: ...
    @property
    def signed(self) -> str | None: ...
    @property
    def returned(self) -> ReturnLike | None: ...
    @property
    def extensions(self) -> Sequence[ExtensionLike]: ...
    @property
    def close_due_at(self) -> datetime | None: ...
    @property
    def closed_at(self) -> datetime | None: ...
    @property
    def red_card(self) -> bool | None: ...
    @property
    def contacted_at(self) -> datetime | None: ...


class VisitLike(Protocol):
    """One return visit."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def answer(self) -> str | None: ...
    @property
    def contacted(self) -> str | None: ...
    @property
    def resolved(self) -> str | None: ...


class ClaimLike(Protocol):
    """不合理诉求 and its decision."""

    @property
    def decision(self) -> str: ...
    @property
    def decided_at(self) -> datetime | None: ...


class HistoryLike(Protocol):
    """A ticket with its whole history (backend.importing.files's HistoryRow is one); units and management are codes here."""

    @property
    def ticket_no(self) -> str: ...
    @property
    def category(self) -> Category: ...
    @property
    def grade(self) -> Grade: ...
    @property
    def channel(self) -> str | None: ...
    @property
    def management(self) -> str | None: ...
    @property
    def generated_at(self) -> datetime: ...
    @property
    def direct_answer(self) -> bool: ...
    @property
    def mass_incident(self) -> bool: ...
    @property
    def confidential(self) -> bool: ...
    @property
    def requester_name(self) -> str | None: ...
    @property
    def requester_phone(self) -> str | None: ...
    @property
    def copied(self) -> Mapping[str, Any]: ...
    @property
    def assignments(self) -> Sequence[AssignmentLike]: ...
    @property
    def visits(self) -> Sequence[VisitLike]: ...
    @property
    def unreasonable(self) -> ClaimLike | None: ...


@dataclass(frozen=True, slots=True)
class ImportContext:
    """The context of a bulk import: the instant, who imports, and how missing due times are computed."""

    now: datetime
    by: str
    due: ComputeDue


class HistoryStore(Protocol):
    """Stores ticket histories."""

    async def find_existing(self, numbers: Sequence[str]) -> set[str]:
        """Return which of these ticket numbers exist."""
        ...

    async def write(self, records: Sequence[HistoryLike], context: ImportContext) -> list[bool | Refused]:
        """Write histories, one transaction per chunk; False for a number that exists, Refused if it cannot be dated."""
        ...
