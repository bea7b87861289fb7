"""Where tickets are moved: load what a decision needs, and write its plan if nobody was quicker."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.domain.acts import Plan, Row, Snapshot
from backend.domain.records import Line, Ticket


@dataclass(frozen=True, slots=True)
class Find:
    """Which ticket is meant: by number, by id, or by one of its assignments."""

    no: str | None = None
    ticket_id: int | None = None
    assignment_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket about to be kept: the noun, its sealed columns, its first journal line and first clocks."""

    ticket: Ticket
    line: Line
    rows: tuple[Row, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()  # more journal lines (history import)


class MovesStore(Protocol):
    """The desk's shelf."""

    async def load(self, find: Find) -> Snapshot | None:
        """The ticket with everything a decision needs, or None."""
        ...

    async def perform(self, find: Find, decide: Callable[[Snapshot | None], Plan], beside: Find | None = None) -> Plan:
        """Load, decide and write in one transaction by compare-and-set; what `decide` raises is passed on.

        `beside` is another ticket the decision needs (`Snapshot.beside`); a plan's `also` is written with it, or neither.

        `decide` may run again on a newer snapshot when somebody was quicker, and may run in another thread.
        """
        ...

    async def create(self, tickets: Sequence[NewTicket]) -> list[bool]:
        """Keep new tickets in one transaction; False for a number that already exists."""
        ...
