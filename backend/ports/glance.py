"""The office at a glance: what happened since a moment, what each unit has in hand, what is overdue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.ticket import Obligation


@dataclass(frozen=True, slots=True)
class Load:
    """What one unit has in hand: assignments not closed, and how many of their duties are past their time."""

    unit: str
    open: int
    late: int


@dataclass(frozen=True, slots=True)
class Late:
    """A ticket with a duty past its time; the earliest of them speaks for it."""

    ticket_no: str
    assignment_id: int | None
    version: int  # of the assignment
    unit: str | None
    kind: Obligation
    due_at: datetime


class GlanceStore(Protocol):
    """The shelf of quick looks."""

    async def since(self, moment: datetime) -> Mapping[str, int]:
        """How many moves of each verb were made since then, and `received`: tickets that were generated since then."""
        ...

    async def loads(self, now: datetime) -> Sequence[Load]:
        """Units with anything in hand, those with most first."""
        ...

    async def overdue(self, now: datetime, limit: int, unit: str | None = None) -> tuple[int, Sequence[Late]]:
        """How many tickets are overdue, and those due first; of one unit when it is named."""
        ...
