"""Where due work waits: duties by the instant the clock must next look at them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from backend.domain.records import Duty, Letter
from backend.domain.ticket import Category


class DueStore(Protocol):
    """The clock's shelf."""

    async def due(self, now: datetime, limit: int) -> Sequence[Duty]:
        """Duties whose next look has come, earliest first."""
        ...

    async def next_at(self, after: datetime) -> datetime | None:
        """The earliest instant after `after` at which anything planned is due: duties, letters, calls."""
        ...

    async def looked(self, duty: Duty, step: int, next_at: datetime | None, letters: Sequence[Letter] = ()) -> bool:
        """Remember how far the ladder is climbed and when to look again, with the letters of the rung.

        False (and nothing kept) when somebody was quicker or the duty is met.
        """
        ...

    async def of_ticket(self, ticket_id: int) -> Sequence[Duty]:
        """All duties of a ticket, met and open, in the order in which they began."""
        ...

    def open(self, after: datetime) -> AsyncIterator[tuple[str, Category | None, Duty]]:
        """Open duties due after that instant, with their ticket's number and category, a stretch at a time."""
        ...

    async def put_off(self, duty: Duty, until: datetime) -> bool:
        """Look at an open duty not before then; False when it was met or its deadline moved meanwhile."""
        ...

    async def to_archive(self, finalized_before: datetime, limit: int) -> Sequence[int]:
        """Tickets (ids) finalized before that instant and not yet archived."""
        ...
