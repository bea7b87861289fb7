"""The office at a glance: what happened since an instant, what each unit has open, what is overdue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.records import Ticket
from backend.domain.ticket_enums import Obligation


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
