"""Requesters are called inside the visit window and never on blocked days, whatever the calendar holds (FW32)."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.calendar import Calendar
from backend.domain.office_hours import OfficeHours
from backend.domain.refusals import Refused
from backend.domain.settings_catalogue import parse_value
from backend.domain.visit_days import find_next_visit_time, is_blocked

ZONE = ZoneInfo("Asia/Shanghai")
WINDOW = OfficeHours.parse("09:00-12:00,14:00-20:00", ZONE)
CALENDAR = Calendar.load_default()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("from_at", "blocked", "called_at"),
    [
        ("2026-11-10 02:00", (), "2026-11-10 09:00"),
        ("2026-11-10 12:30", (), "2026-11-10 14:00"),
        ("2026-11-10 20:00", (), "2026-11-11 09:00"),
        ("2026-09-30 20:30", ("holiday",), "2026-10-08 09:00"),  # National Day, its weekend included
        ("2026-10-10 09:30", ("holiday",), "2026-10-10 09:30"),  # an exchanged Saturday is worked
        ("2026-11-13 21:00", ("holiday",), "2026-11-14 09:00"),  # a plain Saturday is no holiday
        ("2026-11-13 21:00", ("rest",), "2026-11-16 09:00"),
        ("2026-04-04 09:30", ("04-04", "04-05", "04-06"), "2026-04-07 09:00"),
        ("2026-11-11 10:00", ("2026-11-11",), "2026-11-12 09:00"),
        ("2040-01-01 10:00", ("holiday", "rest"), "2040-01-01 10:00"),  # the calendar does not reach so far
    ],
)
def test_a_requester_is_called_at_the_next_allowed_time(from_at: str, blocked: tuple[str, ...], called_at: str) -> None:
    assert find_next_visit_time(at(from_at), WINDOW, blocked, CALENDAR) == at(called_at)


@given(st.integers(0, 334 * 24 * 60), st.sets(st.sampled_from(["rest", "holiday", "11-11"])))
def test_the_time_is_never_earlier_outside_the_window_or_on_a_blocked_day(minutes: int, blocked: set[str]) -> None:
    from_at = at("2026-01-01 00:00") + timedelta(minutes=minutes)
    called_at = find_next_visit_time(from_at, WINDOW, blocked, CALENDAR)
    assert called_at >= from_at and WINDOW.contains(called_at)
    assert not is_blocked(called_at.date(), blocked, CALENDAR)


@pytest.mark.parametrize("wrong", ["2026-13-01", "13-40", "sunday", "2026/11/11", "1-1"])
def test_a_day_that_does_not_exist_is_refused(wrong: str) -> None:
    with pytest.raises(Refused, match="bad_setting"):
        parse_value("visit.blocked_days", wrong)


def test_blocking_every_day_of_the_year_is_refused() -> None:
    every = {f"{m:02d}-{d:02d}" for m in range(1, 13) for d in range(1, 32)}
    with pytest.raises(Refused, match="bad_hours"):
        find_next_visit_time(at("2026-11-10 02:00"), WINDOW, every, CALENDAR)


@pytest.mark.parametrize("written", ["20270207", "2027-W05-1", "2027W051", "2027-038", "0207", "2027-02-30", "02-30"])
def test_a_blocked_day_is_written_in_one_way_and_never_dropped(written: str) -> None:
    for value in (written, f"{written},rest"):
        with pytest.raises(Refused, match="bad_setting"):
            parse_value("visit.blocked_days", value)


@given(st.dates(), st.booleans())
def test_every_blocked_day_is_kept_as_written(day: date, yearly: bool) -> None:
    written = day.isoformat()[5:] if yearly else day.isoformat()
    assert parse_value("visit.blocked_days", f"{written},rest") == f"{written},rest"
    assert is_blocked(day, (written,), CALENDAR)
