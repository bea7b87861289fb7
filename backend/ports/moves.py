"""Moves tickets: load what a decision needs, and write its plan by compare-and-set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.domain.acts import NewRow, Plan, Snapshot
from backend.domain.records import JournalEntry, Ticket


@dataclass(frozen=True, slots=True)
class TicketRef:
    """Identifies a ticket: by number, by id, or by one of its assignments."""

    ticket_no: str | None = None
    ticket_id: int | None = None
    assignment_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket to be created: the record, its sealed columns, its first journal line and first duties."""

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

    async def create(self, tickets: Sequence[NewTicket]) -> list[bool]:
        """Create tickets in one transaction; False for each number that already exists."""
        ...
