"""The working-day calendar and office hours: which days are worked, when the office is open, and the end of the calendar."""

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import chinese_calendar  # type: ignore[import-untyped]
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.calendar import Calendar, build_year, load_seed
from backend.domain.office_hours import (
    SHANGHAI,
    OfficeHours,
    add_work_time,
    is_open,
    measure_work_time,
    next_open,
    subtract_work_time,
)
from backend.domain.refusals import Refused

CALENDAR = Calendar.load_default()
HOURS = OfficeHours.parse("08:30-11:30,13:30-17:00")
SEASONS = OfficeHours.parse("05-01..09-30=08:30-12:00,14:30-18:00; *=08:30-11:30,13:30-17:00")
moments = st.datetimes(datetime(2023, 1, 1), datetime(2026, 11, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(microsecond=0, tzinfo=SHANGHAI)
)
lengths = st.integers(0, 60 * 60 * 40).map(lambda seconds: timedelta(seconds=seconds))


def at(text: str) -> datetime:
    """Return an instant in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_every_day_of_the_table_agrees_with_chinesecalendar() -> None:
    assert [day for day, worked in load_seed().items() if worked != chinese_calendar.is_workday(day)] == []


def test_every_day_of_the_table_agrees_with_holidays() -> None:
    china = holidays.country_holidays("CN")
    assert [day for day, worked in load_seed().items() if worked != china.is_working_day(day)] == []


def test_the_table_covers_2022_to_2026_without_a_gap() -> None:
    assert CALENDAR.start <= date(2022, 1, 1)
    assert CALENDAR.end == date(2026, 12, 31)
    assert len(load_seed()) == (CALENDAR.end - CALENDAR.start).days + 1


def test_each_exchanged_working_day_falls_on_a_weekend() -> None:
    document = tomllib.loads(files("backend").joinpath("data/calendar/cn.toml").read_text("utf-8"))
    for year, lists in document["years"].items():
        for day in lists["workdays"]:
            assert date.fromisoformat(f"{year}-{day[:5]}").weekday() > 4, day


@pytest.mark.parametrize(
    ("day", "worked", "why"),
    [
        ("2023-10-07", True, "调休 Saturday"),
        ("2023-10-08", True, "调休 Sunday"),
        ("2023-10-06", False, "last day of the holiday"),
        ("2026-10-10", True, "调休 Saturday after National Day"),
        ("2026-10-08", True, "first day after the holiday"),
        ("2026-10-11", False, "plain Sunday"),
    ],
)
def test_exchanged_days_are_worked_and_holidays_are_not(day: str, worked: bool, why: str) -> None:
    assert CALENDAR.is_workday(date.fromisoformat(day)) is worked, why


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2023-09-28", 1, "2023-10-07"),
        ("2023-10-01", 1, "2023-10-07"),
        ("2026-10-09", 1, "2026-10-10"),
        ("2026-10-10", 1, "2026-10-12"),
        ("2026-10-12", -1, "2026-10-10"),
        ("2026-10-11", -1, "2026-10-10"),
        ("2026-10-11", 0, "2026-10-10"),
        ("2026-10-12", 0, "2026-10-12"),
        ("2026-10-12", 5, "2026-10-19"),
    ],
)
def test_working_days_are_counted_over_holidays(day: str, count: int, expected: str) -> None:
    assert CALENDAR.add_workdays(date.fromisoformat(day), count) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    "question",
    [
        lambda c: c.is_workday(date(2027, 1, 1)),
        lambda c: c.next_workday(date(2026, 12, 31)),
        lambda c: c.add_workdays(date(2026, 12, 20), 30),
        lambda c: c.add_workdays(date(2027, 1, 4), 1),
        lambda c: c.is_workday(date(1970, 1, 1)),
        lambda c: c.add_workdays(date(9999, 12, 31), 1),
    ],
)
def test_outside_its_days_the_calendar_refuses_and_never_guesses(question: Callable[[Calendar], object]) -> None:
    """FS19: neither 1970 nor 9999 yields a day."""
    with pytest.raises(Refused) as no:
        question(CALENDAR)
    assert no.value.code == "calendar_ends"
    assert no.value.facts["end"] == "2026-12-31"
    assert "date" in no.value.facts


def test_the_office_may_change_single_days_and_extend_the_calendar() -> None:
    edited = Calendar.load_default({date(2026, 11, 25): False, date(2027, 1, 1): False, date(2027, 1, 2): True})
    assert edited.add_workdays(date(2026, 11, 24), 1) == date(2026, 11, 26)
    assert edited.end == date(2027, 1, 2)
    assert edited.next_workday(date(2026, 12, 31)) == date(2027, 1, 2)
    assert CALENDAR.is_workday(date(2026, 11, 25))


def test_the_calendar_ends_before_a_gap() -> None:
    gapped = Calendar.load_default({date(2027, 1, 2): True})
    assert not gapped.covers(date(2027, 1, 2))
    assert gapped.end == date(2026, 12, 31)


def test_a_year_is_built_from_its_lists_of_holidays_and_exchanged_days() -> None:
    table = build_year(2027, [date(2027, 1, 1)], [date(2027, 1, 3)])
    assert len(table) == 365
    assert (table[date(2027, 1, 1)], table[date(2027, 1, 3)], table[date(2027, 1, 4)]) == (False, True, True)


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-10-12T08:29:59", False),
        ("2026-10-12T08:30:00", True),
        ("2026-10-12T11:30:00", False),
        ("2026-10-12T13:30:00", True),
        ("2026-10-12T16:59:59", True),
        ("2026-10-12T17:00:00", False),
        ("2026-10-11T10:00:00", False),
        ("2026-10-10T10:00:00", True),
    ],
)
def test_the_office_is_open_in_its_hours_on_working_days(moment: str, open_: bool) -> None:
    assert is_open(at(moment), CALENDAR, HOURS) is open_


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-10-12T07:00:00", "2026-10-12T08:30:00"),
        ("2026-10-12T09:00:00", "2026-10-12T09:00:00"),
        ("2026-10-12T12:00:00", "2026-10-12T13:30:00"),
        ("2026-10-09T17:00:00", "2026-10-10T08:30:00"),
        ("2026-09-30T20:00:00", "2026-10-08T08:30:00"),
    ],
)
def test_the_next_opening_skips_lunch_nights_and_holidays(moment: str, opens: str) -> None:
    assert next_open(at(moment), CALENDAR, HOURS) == at(opens)


def test_the_season_decides_the_hours() -> None:
    assert SEASONS.close_of_business(date(2026, 9, 30)) == at("2026-09-30T18:00:00")
    assert SEASONS.close_of_business(date(2026, 10, 8)) == at("2026-10-08T17:00:00")
    winter = OfficeHours.parse("11-01..03-31=09:00-16:30;*=08:30-17:30")
    assert winter.close_of_business(date(2026, 1, 5)) == at("2026-01-05T16:30:00")
    assert winter.close_of_business(date(2026, 4, 1)) == at("2026-04-01T17:30:00")


@pytest.mark.parametrize(
    "text",
    ["", "8:30-17:00", "08:30", "17:00-08:30", "08:30-12:00,11:00-17:00", "08:30-24:30", "25:00-26:00",
     "05-01..09-30=08:30-12:00", "13-01..14-01=08:00-09:00;*=08:00-09:00", "02-30=08:00-09:00;*=08:00-09:00",
     "08:30-08:30", "none", "always", "*=08:00-09:00;"],
)  # fmt: skip
def test_invalid_hours_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="bad_hours"):
        OfficeHours.parse(text)


def test_quiet_hours_run_past_midnight() -> None:
    quiet = OfficeHours.parse("20:00-08:00", overnight=True)
    assert quiet.contains(at("2026-10-12T23:00:00")) and quiet.contains(at("2026-10-12T07:59:59"))
    assert not quiet.contains(at("2026-10-12T08:00:00"))
    assert quiet.next_outside(at("2026-10-12T23:00:00")) == at("2026-10-13T08:00:00")
    assert not OfficeHours.parse("none", overnight=True).contains(at("2026-10-12T03:00:00"))


@pytest.mark.parametrize(
    "text",
    ["00:00-24:00", "20:00-08:00,08:00-20:00", "00:00-12:00,12:00-24:00", "05-01..09-30=00:00-24:00;*=00:00-24:00"],
)
def test_hours_that_are_quiet_for_ever_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="bad_hours"):
        OfficeHours.parse(text, overnight=True)


def test_a_time_without_a_zone_raises() -> None:
    with pytest.raises(ValueError, match="aware"):
        is_open(datetime(2026, 10, 12, 9), CALENDAR, HOURS)  # noqa: DTZ001


def test_the_same_instant_in_another_zone_gives_the_same_answer() -> None:
    """FS9: the server's own zone does not matter."""
    start = at("2026-10-09T16:00:00")
    for zone in (UTC, ZoneInfo("America/New_York")):
        assert add_work_time(start.astimezone(zone), timedelta(hours=2), CALENDAR, HOURS) == at("2026-10-10T09:30:00")


@given(moments, lengths)
def test_added_office_time_is_the_office_time_between(start: datetime, length: timedelta) -> None:
    end = add_work_time(start, length, CALENDAR, HOURS)
    assert measure_work_time(start, end, CALENDAR, HOURS) == length
    assert end >= start


@given(moments, lengths)
def test_subtracted_office_time_is_the_office_time_between(until: datetime, length: timedelta) -> None:
    start = subtract_work_time(until, length, CALENDAR, SEASONS)
    assert measure_work_time(start, until, CALENDAR, SEASONS) == length
    assert start <= until


@given(moments)
def test_the_next_opening_is_open_and_nothing_before_it_is(moment: datetime) -> None:
    opens = next_open(moment, CALENDAR, SEASONS)
    assert is_open(opens, CALENDAR, SEASONS) and opens >= moment
    assert measure_work_time(moment, opens, CALENDAR, SEASONS) == timedelta()


@given(st.dates(date(2022, 1, 1), date(2026, 10, 1)), st.integers(1, 20))
def test_adding_and_subtracting_working_days_meet(day: date, count: int) -> None:
    later = CALENDAR.add_workdays(day, count)
    assert CALENDAR.is_workday(later) and later > day
    assert CALENDAR.add_workdays(later, -count) == CALENDAR.add_workdays(day, 0)
