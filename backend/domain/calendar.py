"""Which days are worked: the public calendar with its 调休 exchange days; refuses days it does not cover."""

import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

from backend.domain.refusals import Refused

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """An unbroken run of days, each worked or not; the first gap ends it.

    `days` is the seed, `overrides` are single days edited by the office: they win, and may extend the run.
    Every question about a day outside the run raises `Refused("calendar_ends", date=…, start=…, end=…)`: a deadline
    is never guessed (readings §4).
    """

    days: Mapping[date, bool]
    overrides: Mapping[date, bool] = field(default_factory=dict)
    start: date = field(init=False)
    end: date = field(init=False)  # last covered day
    _workdays: tuple[date, ...] = field(init=False, repr=False)
    _known: dict[date, bool] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        merged = {**self.days, **self.overrides}
        if not merged:
            raise ValueError("a calendar needs at least one day")
        first = min(self.days or self.overrides)
        while first - _DAY in merged:
            first -= _DAY
        last, worked, known = first, [], {}
        while last in merged:
            known[last] = merged[last]
            if merged[last]:
                worked.append(last)
            last += _DAY
        object.__setattr__(self, "start", first)
        object.__setattr__(self, "end", last - _DAY)
        object.__setattr__(self, "_workdays", tuple(worked))
        object.__setattr__(self, "_known", known)

    @staticmethod
    def load_default(overrides: Mapping[date, bool] | None = None) -> "Calendar":
        """Return the shipped calendar with the office's own days laid over it."""
        return Calendar(load_seed(), dict(overrides or {}))

    def covers(self, day: date) -> bool:
        """Return whether this day is within the announced calendar."""
        return self.start <= day <= self.end

    def is_workday(self, day: date) -> bool:
        """Return whether this day is worked; Refused `calendar_ends` outside the calendar."""
        known = self._known.get(day)
        if known is None:
            raise self._build_refusal(day)
        return known

    def next_workday(self, day: date) -> date:
        """Return the first working day after this one."""
        return self.add_workdays(day, 1)

    def add_workdays(self, day: date, count: int) -> date:
        """Return the `count`-th working day after `day`, itself not counted (民法典 §201); before it if negative.

        A day that is not worked counts like the evening of the working day before it (Q24). With count 0 a
        working day stays itself and any other day goes back to that evening.
        """
        if not self.start <= day <= self.end:
            raise self._build_refusal(day)
        passed = bisect_right(self._workdays, day)  # working days up to and including this one
        index = passed - 1 + count
        if count < 0 and not self._known[day]:
            index += 1  # stepping back from a closed day, the first step is the working day before it
        if index < 0:
            raise self._build_refusal(self.start - _DAY)
        if index >= len(self._workdays):
            raise self._build_refusal(self.end + _DAY)
        return self._workdays[index]

    def _build_refusal(self, day: date) -> Refused:
        return Refused("calendar_ends", date=day.isoformat(), start=self.start.isoformat(), end=self.end.isoformat())


def build_year(year: int, holidays: Iterable[date], workdays: Iterable[date]) -> dict[date, bool]:
    """Return every day of a year from its two lists: closed days and exchange days; the rest follows the week."""
    day, table = date(year, 1, 1), {}
    while day.year == year:
        table[day] = day.weekday() < 5
        day += _DAY
    table.update(dict.fromkeys(holidays, False))
    table.update(dict.fromkeys(workdays, True))
    return table


@cache
def load_seed() -> Mapping[date, bool]:
    """Load the shipped day table from `backend/data/calendar/cn.toml`, once."""
    document = tomllib.loads(files("backend").joinpath("data/calendar/cn.toml").read_text("utf-8"))
    table: dict[date, bool] = {}
    for name, lists in document["years"].items():
        year = int(name)
        table |= build_year(year, _expand_ranges(year, lists["holidays"]), _expand_ranges(year, lists["workdays"]))
    return table


def _expand_ranges(year: int, ranges: Iterable[str]) -> list[date]:
    """Expand `["10-01..10-07", "10-10"]` into days."""
    days: list[date] = []
    for written in ranges:
        first, _, last = written.partition("..")
        day, until = (date.fromisoformat(f"{year}-{part}") for part in (first, last or first))
        while day <= until:
            days.append(day)
            day += _DAY
    return days
