"""Limits on how long a duty may take, as written in settings: `1wd`, `8wh`, `2h`, `30m`, `180d`."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache

from backend.domain.refusals import Refused


class LimitUnit(StrEnum):
    """What a limit counts (Q24, Q25)."""

    WORKDAYS = "wd"  # 工作日
    WORK_HOURS = "wh"  # office hours of working days
    DAYS = "d"  # 24 clock hours each
    HOURS = "h"  # clock hours
    MINUTES = "m"  # clock minutes


_CLOCK: dict[LimitUnit, timedelta] = {
    LimitUnit.DAYS: timedelta(days=1),
    LimitUnit.HOURS: timedelta(hours=1),
    LimitUnit.MINUTES: timedelta(minutes=1),
}
_WRITTEN = re.compile(r"([0-9]{1,4})(wd|wh|d|h|m)")


@dataclass(frozen=True, slots=True)
class Limit:
    """A whole, positive number of one unit; `str(Limit.parse(x))` is the normal form of x."""

    amount: int
    unit: LimitUnit

    @staticmethod
    def parse(text: str) -> "Limit":
        """Parse a limit; raises `Refused("bad_limit", value=…)` for anything but 1–9999 of a known unit."""
        return _parse(text)

    @property
    def workdays(self) -> int | None:
        """How many working days it is; None where it counts something else."""
        return self.amount if self.unit is LimitUnit.WORKDAYS else None

    @property
    def duration(self) -> timedelta:
        """Length as time: clock time, or office time for `wh`; working days have none and raise `Refused`."""
        if self.unit is LimitUnit.WORKDAYS:
            raise Refused("bad_limit", value=str(self))
        return self.amount * _CLOCK.get(self.unit, timedelta(hours=1))

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@lru_cache(maxsize=256)
def _parse(text: str) -> Limit:
    found = _WRITTEN.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise Refused("bad_limit", value=text)
    return Limit(int(found[1]), LimitUnit(found[2]))
