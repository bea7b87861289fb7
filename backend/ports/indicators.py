"""What the indicators of A18 are counted from: times of what was dispatched, and demands that came again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly one unit took up what it was given; seconds, None where nothing was."""

    unit: str
    dispatched: int
    signed: int
    sign_mean: float | None
    sign_longest: int | None
    contacted: int
    contact_mean: float | None
    contact_longest: int | None
    repeats: int  # of these, demands that came again
    assisted: int  # assignments as an assisting unit
    assist_answered: int  # of these, answered or finished


class IndicatorsStore(Protocol):
    """The indicators' shelf (storage/indicators.py)."""

    async def paces(self, start: datetime, end: datetime, unit: str | None) -> Sequence[Pace]:
        """By unit, of what was dispatched from `start` and before `end`."""
        ...

    async def came_again(self, start: datetime, end: datetime) -> tuple[int, int]:
        """(demands generated then, of these repeats of earlier ones)."""
        ...
