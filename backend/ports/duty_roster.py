"""Duty rosters, stand-ins, handover notes and people's own quiet hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.duty_roster import Shift, StandIn


@dataclass(frozen=True, slots=True)
class Handover:
    """交接班记录: what the outgoing person left to the incoming one."""

    at: datetime
    unit: str
    person: str
    text: str


class DutyRosterStore(Protocol):
    """Stores duty rosters. Every change but a note is a configuration change: all processes see it within a second."""

    async def save_shifts(self, shifts: Sequence[Shift], by: str, now: datetime) -> list[bool]:
        """Save shifts, assigning their ids; True for each new or changed one (same unit, person, begin)."""
        ...

    async def delete_shift(self, shift_id: int) -> Shift | None:
        """Delete a shift; return what it was, or None if there is none."""
        ...

    async def list_shifts(self, unit: str, begin: datetime, end: datetime) -> Sequence[Shift]:
        """List a unit's shifts that overlap a period, past ones too, by start."""
        ...

    async def get_shift(self, shift_id: int) -> Shift | None:
        """Return one shift."""
        ...

    async def add_stand_in(self, stand_in: StandIn, by: str, now: datetime) -> StandIn:
        """Save a stand-in; return it with its id."""
        ...

    async def end_stand_in(self, stand_in_id: int, now: datetime) -> bool:
        """End a stand-in now; False if it has ended or does not exist."""
        ...

    async def list_stand_ins(self, now: datetime) -> Sequence[StandIn]:
        """List stand-ins that have not ended, by start."""
        ...

    async def add_handover(self, handover: Handover) -> None:
        """Save a handover note."""
        ...

    async def list_handovers(self, unit: str, limit: int) -> Sequence[Handover]:
        """List a unit's handover notes, newest first."""
        ...

    async def set_quiet_hours(self, person: str, hours: str | None, now: datetime) -> None:
        """Set a person's own quiet hours; None removes them."""
        ...
