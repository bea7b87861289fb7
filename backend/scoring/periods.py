"""Parse names of scored periods (2026-10, 2026Q4, 2026); when they begin, end and settle (Q14, Q15)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import overload
from zoneinfo import ZoneInfo

from backend.domain.calendar import Calendar
from backend.domain.limits import Limit
from backend.domain.refusals import Refused

_YEAR = "(20[0-9]{2})"
_SHAPES: tuple[tuple[str, str, Callable[[int], range]], ...] = (
    ("month", f"{_YEAR}-(0[1-9]|1[0-2])", lambda part: range(part, part + 1)),
    ("quarter", f"{_YEAR}Q([1-4])", lambda part: range(part * 3 - 2, part * 3 + 1)),
    ("year", f"{_YEAR}()", lambda part: range(1, 13)),
)


@dataclass(frozen=True, slots=True)
class Period:
    """A period: its name, its kind (month, quarter, year) and its months (2026-10 …)."""

    name: str
    kind: str
    months: tuple[str, ...]


def parse_period(name: str) -> Period:
    """Parse a period's name. Refused `bad_period`."""
    for kind, shape, months in _SHAPES:
        match = re.fullmatch(shape, name, re.ASCII)
        if match:
            return Period(name, kind, tuple(f"{match[1]}-{m:02d}" for m in months(int(match[2] or 0))))
    raise Refused("bad_period", period=name[:40])


def parse_month(name: str) -> Period:
    """Parse a month's name. Refused `bad_month`."""
    if not re.fullmatch(_SHAPES[0][1], name, re.ASCII):
        raise Refused("bad_month", value=name[:40])
    return parse_period(name)


def get_month_bounds(month: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first local instant of the month and of the next month."""
    return _month_start(month, zone), _month_start(shift_month(month, 1), zone)


def shift_month(month: str, by: int) -> str:
    """Return the month `by` months later."""
    index = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{index // 12}-{index % 12 + 1:02d}"


def compute_settlement(months: tuple[str, ...], limit: str, calendar: Calendar, zone: ZoneInfo) -> datetime:
    """Return the instant from which the period may be locked: the start of its settlement day in the next month (Q15).

    Refused `calendar_ends`.
    """
    _, end = get_month_bounds(months[-1], zone)
    last = (end - timedelta(days=1)).date()
    day = calendar.add_workdays(last, Limit.parse(limit).amount)
    return datetime.combine(day, time(), zone)


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """Parse an ISO instant; without an offset it is in `zone`. Refused `bad_time`."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("bad_time", at=text[:40]) from None


@overload
def format_instant(at: datetime, zone: ZoneInfo) -> str: ...
@overload
def format_instant(at: datetime | None, zone: ZoneInfo) -> str | None: ...
def format_instant(at: datetime | None, zone: ZoneInfo) -> str | None:
    """Format an instant as ISO text in `zone`; None stays None."""
    return None if at is None else at.astimezone(zone).isoformat()


def _month_start(month: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(date(int(month[:4]), int(month[5:]), 1), time(), zone)
