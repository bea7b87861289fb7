"""Tickets: loaded and moved by compare-and-set, created, their files, and counts of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.acts import NewRow, Plan, Snapshot
from backend.domain.records import JournalEntry, Ticket
from backend.domain.ticket_enums import Obligation


@dataclass(frozen=True, slots=True)
class TicketRef:
    """Identifies a ticket: by number, by id, or by one of its assignments."""

    ticket_no: str | None = None
    ticket_id: int | None = None
    assignment_id: int | None = None


@dataclass(frozen=True, slots=True)
class TicketRows:
    """The rows of a ticket to be created: the record, its sealed columns, its first journal line and first duties."""

    ticket: Ticket
    line: JournalEntry
    rows: tuple[NewRow, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[JournalEntry, ...] = ()  # more journal lines (history import)


class MoveStore(Protocol):
    """Loads and writes what acts decide on."""

    async def load(self, ref: TicketRef) -> Snapshot | None:
        """Load the ticket with everything a decision needs, or None."""
        ...

    async def perform(
        self, ref: TicketRef, decide: Callable[[Snapshot | None], Plan], beside: TicketRef | None = None
    ) -> Plan:
        """Load, decide and write in one transaction by compare-and-set; exceptions of `decide` propagate.

        `beside` is another ticket the decision needs (`Snapshot.beside`); a plan's `also` is written with it, or
        neither is.

        `decide` may run again on a newer snapshot if somebody else was faster, and may run in another thread.
        """
        ...

    async def create(self, tickets: Sequence[TicketRows]) -> list[bool]:
        """Create tickets in one transaction; False for each number that already exists."""
        ...


@dataclass(frozen=True, slots=True)
class EarlierTicket:
    """An open ticket of the same requester."""

    phone_index: str
    category: str | None
    ticket_no: str


@dataclass(frozen=True, slots=True)
class KnownRequesters:
    """What is known of requesters, by the blind index of their numbers."""

    earlier: Sequence[EarlierTicket] = ()
    do_not_call: frozenset[str] = frozenset()  # asked not to be called (FW33)


class IntakeStore(Protocol):
    """Stores new tickets."""

    async def create(self, tickets: Sequence[TicketRows]) -> list[bool]:
        """Create tickets in one transaction; False for each number that already exists."""
        ...

    async def find_requesters(self, indices: Collection[str], since: datetime) -> KnownRequesters:
        """Return what is known of these requesters; only open tickets generated since then."""
        ...

    async def find_earlier_by_text(self, requesters: Collection[str], since: datetime) -> Sequence[EarlierTicket]:
        """Find open tickets, generated since then, of requesters without a number, matched by name and text."""
        ...

    async def find_taken_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        """Return those of the ticket numbers that are taken."""
        ...

    async def reserve_serials(self, day: str, count: int) -> range:
        """Reserve `count` serial numbers of a day."""
        ...


@dataclass(frozen=True, slots=True)
class UnmaskedTexts:
    """A ticket's texts as they were given, to be masked anew."""

    ticket_id: int
    texts: Mapping[str, str]
    requester: str | None  # their name in clear text


class MaskedTextStore(Protocol):
    """Stores the masked texts beside a ticket's own."""

    async def list_outdated(self, version: str, limit: int) -> Sequence[UnmaskedTexts]:
        """List texts of tickets whose masked texts are of another version."""
        ...

    async def save(self, masked: Mapping[int, Mapping[str, str]]) -> None:
        """Save the columns of masked texts, by ticket."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A stored file without its content. `unit` is the unit of the person who uploaded it."""

    id: str
    name: str
    kind: str  # pdf | jpeg | png
    size: int  # bytes
    sha256: str
    by: str
    unit: str | None
    at: datetime


class FileStore(Protocol):
    """Stores files."""

    async def store(self, file: StoredFile, content: bytes) -> None:
        """Store a file."""
        ...

    async def find_files(self, ids: Collection[str]) -> dict[str, StoredFile]:
        """Return those of these files that exist, by id."""
        ...

    async def load_content(self, file_id: str) -> bytes | None:
        """Return the content of a file."""
        ...


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """What one unit has open: assignments, and how many tickets have overdue duties."""

    unit: str
    open: int
    late: int


@dataclass(frozen=True, slots=True)
class OverdueTicket:
    """A ticket with an overdue duty; the earliest one is shown."""

    ticket: Ticket
    assignment_id: int | None
    version: int  # of the assignment
    unit: str | None
    kind: Obligation
    due_at: datetime


class GlanceStore(Protocol):
    """Fast overview queries."""

    async def count_since(self, moment: datetime) -> Mapping[str, int]:
        """Count moves since then by verb, and `received`: tickets generated since then."""
        ...

    async def list_unit_loads(self, now: datetime) -> Sequence[UnitLoad]:
        """List units with open assignments, most first."""
        ...

    async def list_overdue(
        self, now: datetime, limit: int, unit: str | None = None
    ) -> tuple[int, Sequence[OverdueTicket]]:
        """Return how many tickets are overdue and the first due, optionally of one unit."""
        ...
