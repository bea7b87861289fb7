"""Office hours: times of day by season, and arithmetic in which only the hours of working days count."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from backend.domain.calendar import Calendar
from backend.domain.refusals import Refused

SHANGHAI = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)
_FULL_DAY = 24 * 60  # minutes
_PERIOD = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")
_SEASON = re.compile(r"([01][0-9]-[0-3][0-9])(?:\.\.([01][0-9]-[0-3][0-9]))?")

Periods = tuple[tuple[int, int], ...]
"""Opening periods of one day: minutes since midnight, `[from, to)`, in order, never overlapping."""


@dataclass(frozen=True, slots=True, eq=False)
class OfficeHours:
    """Periods of the day by season, in one time zone.

    Written `08:30-11:30,13:30-17:00`, or with seasons, the first that fits wins and `*` is every other day:
    `05-01..09-30=08:30-12:00,14:30-18:00; *=08:30-11:30,13:30-17:00`. A season may run over New Year.
    """

    text: str
    zone: ZoneInfo
    _by_day: dict[tuple[int, int], Periods] = field(repr=False)

    @staticmethod
    def parse(text: str, zone: ZoneInfo = SHANGHAI, *, overnight: bool = False) -> "OfficeHours":
        """Parse hours; `overnight` lets a period run past midnight (quiet hours) and `none` mean no period.

        Raises `Refused("bad_hours", value=…)`: unknown form, overlap, no `*` season, an impossible day or time.
        """
        return _parse(text, zone, overnight)

    def get_periods(self, day: date) -> Periods:
        """Return the periods of a day, whether it is worked or not."""
        return self._by_day[day.month, day.day]

    def to_local(self, at: datetime) -> datetime:
        """Return the instant in this zone; raises ValueError for a naive time."""
        if at.tzinfo is None:
            raise ValueError("aware datetimes only")
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            raise Refused("bad_time", at=at.isoformat()) from None

    def to_instant(self, day: date, minute: int) -> datetime:
        """Return the instant of a minute of a local day; 1440 is the midnight that ends it."""
        if minute == _FULL_DAY:
            return datetime.combine(day + _DAY, time.min, self.zone)
        return datetime.combine(day, time(minute // 60, minute % 60), self.zone)

    def close_of_business(self, day: date) -> datetime:
        """Return 停止业务活动的时间 of a day (民法典 §203)."""
        return self.to_instant(day, self.get_periods(day)[-1][1])

    def contains(self, at: datetime) -> bool:
        """Return whether the time of day is in a period, on any day; a period's first instant is, its last is not."""
        here = self.to_local(at)
        second = here.hour * 3600 + here.minute * 60 + here.second
        return any(begin * 60 <= second < end * 60 for begin, end in self.get_periods(here.date()))

    def next_outside(self, at: datetime) -> datetime:
        """Return the first instant at or after `at` that lies in no period; `at` itself if it already does."""
        here = self.to_local(at)
        day = here.date()
        while self.contains(here):
            here = next(end for begin, end in self.list_spans(day) if here < end)
            day = here.date()
        return here

    def next_inside(self, at: datetime) -> datetime:
        """Return the first instant at or after `at` that lies in a period, on any day of the week."""
        here = self.to_local(at)
        if self.contains(here):
            return here
        day = here.date()
        for _ in range(367):
            for begin, _end in self.list_spans(day):
                if begin >= here:
                    return begin
            day += _DAY
        raise Refused("bad_hours", value=self.text)

    def list_spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the periods of a day as instants."""
        for begin, end in self.get_periods(day):
            yield self.to_instant(day, begin), self.to_instant(day, end)


def is_open(at: datetime, calendar: Calendar, hours: OfficeHours) -> bool:
    """Return whether the office is open: a working day, inside its hours."""
    return calendar.is_workday(hours.to_local(at).date()) and hours.contains(at)


def next_open(at: datetime, calendar: Calendar, hours: OfficeHours) -> datetime:
    """Return the first instant at or after `at` when the office is open."""
    here = hours.to_local(at)
    day = here.date()
    if calendar.is_workday(day):
        for begin, end in hours.list_spans(day):
            if here < end:
                return max(here, begin)
    day = calendar.next_workday(day)
    return hours.to_instant(day, hours.get_periods(day)[0][0])


def add_work_time(start: datetime, length: timedelta, calendar: Calendar, hours: OfficeHours) -> datetime:
    """Return the instant when `length` of office time has passed.

    If `length` ends exactly at closing time, that instant is returned, not the next opening.
    """
    here, left = hours.to_local(start), length
    day = here.date()
    if not calendar.is_workday(day):
        day = calendar.next_workday(day)
    while True:
        for begin, end in hours.list_spans(day):
            if here < end:
                at = max(here, begin)
                if left <= end - at:
                    return at + left
                left -= end - at
        day = calendar.next_workday(day)


def subtract_work_time(until: datetime, length: timedelta, calendar: Calendar, hours: OfficeHours) -> datetime:
    """Return the latest instant from which `length` of office time remains before `until`."""
    here, left = hours.to_local(until), length
    day = here.date()
    if not calendar.is_workday(day):
        day = calendar.add_workdays(day, -1)
    while True:
        for begin, end in reversed(tuple(hours.list_spans(day))):
            if begin < here:
                at = min(here, end)
                if left <= at - begin:
                    return at - left
                left -= at - begin
        day = calendar.add_workdays(day, -1)


def measure_work_time(start: datetime, until: datetime, calendar: Calendar, hours: OfficeHours) -> timedelta:
    """Return the office time from `start` to `until`; zero if `until` is not later."""
    here, there = hours.to_local(start), hours.to_local(until)
    day, last, total = here.date(), there.date(), timedelta()
    while day <= last:
        if calendar.is_workday(day):
            for begin, end in hours.list_spans(day):
                total += max(timedelta(), min(end, there) - max(begin, here))
        day += _DAY
    return total


@lru_cache(maxsize=256)
def _parse(text: str, zone: ZoneInfo, overnight: bool) -> OfficeHours:
    seasons: list[tuple[str, str, Periods]] = []
    for part in text.replace(" ", "").split(";"):
        when, equals, written = part.rpartition("=")
        if not equals:
            when = "*"
        first, last = ("01-01", "12-31") if when == "*" else _season(when, text)
        seasons.append((first, last, _periods(written, text, overnight)))
    by_day: dict[tuple[int, int], Periods] = {}
    day = date(2024, 1, 1)  # any leap year: every day there can be
    while day.year == 2024:
        name = f"{day:%m-%d}"
        for first, last, periods in seasons:
            if first <= name <= last or (last < first and not last < name < first):
                by_day[day.month, day.day] = periods
                break
        else:
            raise Refused("bad_hours", value=text)
        day += _DAY
    return OfficeHours(text, zone, by_day)


def _season(when: str, text: str) -> tuple[str, str]:
    found = _SEASON.fullmatch(when)
    if found is None:
        raise Refused("bad_hours", value=text)
    first, last = found[1], found[2] or found[1]
    for name in (first, last):
        try:
            date.fromisoformat(f"2024-{name}")
        except ValueError:
            raise Refused("bad_hours", value=text) from None
    return first, last


def _periods(written: str, text: str, overnight: bool) -> Periods:
    spans: list[tuple[int, int]] = []
    for one in [] if overnight and written == "none" else written.split(","):
        found = _PERIOD.fullmatch(one)
        if found is None:
            raise Refused("bad_hours", value=text)
        begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if begin >= _FULL_DAY or end > _FULL_DAY or begin == end or (end < begin and not overnight):
            raise Refused("bad_hours", value=text)
        if begin < end:
            spans.append((begin, end))
        else:  # past midnight: the tail of the night belongs to the same day's morning
            spans += [(0, end), (begin, _FULL_DAY)] if end else [(begin, _FULL_DAY)]
    spans.sort()
    if sum(end - begin for begin, end in spans) >= _FULL_DAY and overnight:
        raise Refused("bad_hours", value=text)  # quiet round the clock would never let a message out
    if any(spans[i][1] > spans[i + 1][0] for i in range(len(spans) - 1)):
        raise Refused("bad_hours", value=text)
    return tuple(spans)
