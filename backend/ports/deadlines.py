"""Duties that fall due, and automatic supervision."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from backend.domain.records import Duty, Message
from backend.domain.ticket_enums import Category


class DueStore(Protocol):
    """Stores when duties are due to be checked."""

    async def list_due(self, now: datetime, limit: int) -> Sequence[Duty]:
        """List duties due to be checked, earliest first."""
        ...

    async def find_next(self, after: datetime) -> datetime | None:
        """Return the earliest instant after `after` at which anything planned is due: duties, messages, calls."""
        ...

    async def record_check(
        self, duty: Duty, step: int, next_at: datetime | None, messages: Sequence[Message] = ()
    ) -> bool:
        """Record the reminder step reached and the next check, and enqueue the step's messages.

        False (and nothing written) if somebody else was faster or the duty is met.
        """
        ...

    async def list_by_ticket(self, ticket_id: int) -> Sequence[Duty]:
        """List all duties of a ticket, met and open, by start."""
        ...

    def iterate_open(self, after: datetime) -> AsyncIterator[tuple[str, Category | None, Duty]]:
        """Iterate over open duties due after that instant, with their ticket's number and category, in batches."""
        ...

    async def postpone_check(self, duty: Duty, until: datetime) -> bool:
        """Postpone the next check of an open duty; False if it was met or its due time changed meanwhile."""
        ...

    async def list_to_archive(self, finalized_before: datetime, limit: int) -> Sequence[int]:
        """List ids of tickets finalized before that instant and not yet archived."""
        ...


@dataclass(frozen=True, slots=True)
class WaitingAssignment:
    """An assignment that waits, and since when."""

    assignment_id: int
    ticket_id: int
    unit: str
    since: datetime


class SupervisionStore(Protocol):
    """Finds assignments for automatic supervision and re-checks."""

    async def list_red(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        """List lead assignments with a red card, not closed and not supervised since, oldest first."""
        ...

    async def list_unsatisfied(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        """List leads of tickets finalized as unsatisfied, nothing pending, not supervised since, oldest first."""
        ...

    async def list_exposed(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        """List leads of tickets named by accepted exposure lines, neither supervised since nor being supervised."""
        ...

    async def list_rechecks(self, day: date, limit: int) -> Sequence[WaitingAssignment]:
        """List explained closes whose re-check day has come and whose unit was not given the task yet."""
        ...
