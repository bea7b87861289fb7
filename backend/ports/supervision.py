"""Assignments that have waited so long that supervision starts automatically (T17, A25)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


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
