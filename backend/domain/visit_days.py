"""When requesters may be called for a visit: inside the window, and not on days the office blocks (FW32)."""

import re
from collections.abc import Collection
from datetime import date, datetime, timedelta

from backend.domain.calendar import Calendar
from backend.domain.office_hours import OfficeHours
from backend.domain.refusals import Refused

#: Words for whole kinds of days: every day off, or the public holidays with the weekends they run into.
REST, HOLIDAY = "rest", "holiday"
DAY_WORDS = (REST, HOLIDAY)
_YEARLY, _DATED = re.compile(r"[0-9]{2}-[0-9]{2}"), re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY = timedelta(days=1)
_MAX_DAYS_AHEAD = 400  # days looked ahead


def parse_day(written: str) -> str:
    """Parse a blocked day: `2027-02-06`, `04-05` of every year, or a word of `DAY_WORDS`. Raises ValueError for others."""
    if written in DAY_WORDS:
        return written
    whole = f"2000-{written}" if _YEARLY.fullmatch(written) else written
    if not _DATED.fullmatch(whole):  # other forms of ISO 8601 are not what is compared later
        raise ValueError(written)
    date.fromisoformat(whole)
    return written


def find_next_visit_time(at: datetime, window: OfficeHours, blocked: Collection[str], calendar: Calendar) -> datetime:
    """Return the first instant at or after `at` when a requester may be called (`visit.window`, `visit.blocked_days`).

    Refused `bad_hours`: every day of a year is blocked.
    """
    here = window.next_inside(at)
    for _ in range(_MAX_DAYS_AHEAD):
        if not is_blocked(here.date(), blocked, calendar):
            return here
        here = window.next_inside(window.to_instant(here.date() + _DAY, 0))
    raise Refused("bad_hours", value=",".join(blocked))


def is_blocked(day: date, blocked: Collection[str], calendar: Calendar) -> bool:
    """Return whether nobody is called on that day; days past the calendar's end are known by their date only."""
    if day.isoformat() in blocked or day.isoformat()[5:] in blocked:
        return True
    off = calendar.covers(day) and not calendar.is_workday(day)
    return off and (REST in blocked or (HOLIDAY in blocked and _is_in_holiday(day, calendar)))


def _is_in_holiday(day: date, calendar: Calendar) -> bool:
    """Return whether a day off is part of a public holiday: its unbroken run of days off includes a weekday."""
    for step in (-_DAY, _DAY):
        here = day
        while calendar.covers(here) and not calendar.is_workday(here):
            if here.weekday() < 5:
                return True
            here += step
    return False
