"""The data of the A18 indicators: how quickly assignments were taken up, and repeated demands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """How quickly one unit took up its assignments; seconds, None if there were none."""

    unit: str
    dispatched: int
    signed: int
    sign_mean: float | None
    sign_longest: int | None
    contacted: int
    contact_mean: float | None
    contact_longest: int | None
    repeats: int  # of these, repeated demands
    assisted: int  # assignments as an assisting unit
    assist_answered: int  # of these, answered or finished


class IndicatorStore(Protocol):
    """Counts indicators."""

    async def count_response_times(self, start: datetime, end: datetime, unit: str | None) -> Sequence[ResponseTimes]:
        """Count, by unit, what was dispatched from `start` and before `end`."""
        ...

    async def count_repeats(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Count the demands generated in that time, and the repeats among them."""
        ...
