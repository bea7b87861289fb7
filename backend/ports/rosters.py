"""Where duty rosters, stand-ins, handover notes and people's own quiet hours are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.rosters import Shift, StandIn


@dataclass(frozen=True, slots=True)
class Handover:
    """交接班记录: what whoever went off duty left to whoever came."""

    at: datetime
    unit: str
    person: str
    text: str


class RosterStore(Protocol):
    """Every change of it is a change of the configuration: all processes know it within a second."""

    async def put_shifts(self, shifts: Sequence[Shift], by: str, now: datetime) -> list[bool]:
        """Keep shifts, their ids given by the store; True for each new or changed one (same unit, person, begin)."""
        ...

    async def drop_shift(self, shift_id: int) -> Shift | None:
        """Strike a shift; what it was, or None when there is none."""
        ...

    async def shifts(self, unit: str, begin: datetime, end: datetime) -> Sequence[Shift]:
        """A unit's shifts that touch a stretch, past ones too, by their beginning."""
        ...

    async def shift(self, shift_id: int) -> Shift | None:
        """One shift."""
        ...

    async def put_stand_in(self, stand_in: StandIn, by: str, now: datetime) -> StandIn:
        """Keep a stand-in, with its id."""
        ...

    async def end_stand_in(self, stand_in_id: int, now: datetime) -> bool:
        """The absent person is back now; False when it was over or is not there."""
        ...

    async def stand_ins(self, now: datetime) -> Sequence[StandIn]:
        """Those that have not ended, by beginning."""
        ...

    async def note(self, handover: Handover) -> None:
        """Keep a handover note."""
        ...

    async def notes(self, unit: str, limit: int) -> Sequence[Handover]:
        """A unit's newest handover notes, newest first."""
        ...

    async def set_quiet(self, person: str, hours: str | None, now: datetime) -> None:
        """A person's own quiet hours; None: none of his own."""
        ...
