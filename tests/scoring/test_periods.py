"""A period begins and ends at the office's midnight, also in leap years and over New Year; its settlement follows it."""

import calendar
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.calendar import Calendar
from backend.domain.refusals import Refused
from backend.scoring.periods import compute_settlement, get_month_bounds, parse_period, shift_month

ZONE = ZoneInfo("Asia/Shanghai")
MONTHS = st.dates(date(2001, 1, 1), date(2098, 12, 31)).map(lambda day: f"{day:%Y-%m}")


@given(MONTHS)
def test_a_month_has_all_its_days_and_the_next_begins_where_it_ends_FS10(month: str) -> None:
    begin, end = get_month_bounds(month, ZONE)
    assert (end - begin) == timedelta(days=calendar.monthrange(int(month[:4]), int(month[5:]))[1])
    assert get_month_bounds(shift_month(month, 1), ZONE)[0] == end
    assert (begin.day, begin.hour, end.day, end.hour) == (1, 0, 1, 0)


@pytest.mark.parametrize(
    ("period", "months"),
    [
        ("2024-02", ("2024-02",)),
        ("2026Q4", ("2026-10", "2026-11", "2026-12")),
        ("2026Q1", ("2026-01", "2026-02", "2026-03")),
        ("2024", tuple(f"2024-{number:02d}" for number in range(1, 13))),
    ],
)
def test_a_quarter_and_a_year_are_their_months_FS10(period: str, months: tuple[str, ...]) -> None:
    assert parse_period(period).months == months


@pytest.mark.parametrize("wrong", ["2024-13", "2024-00", "2026Q5", "2024-2", "24-02", "2024-02-29", "", "２０２４-02"])
def test_what_is_no_period_is_refused_FS10(wrong: str) -> None:
    with pytest.raises(Refused, match="bad_period"):
        parse_period(wrong)


def test_a_month_over_new_year_and_a_leap_february_are_settled_on_working_days_of_the_next_month_FS10() -> None:
    table = Calendar.load_default()
    assert compute_settlement(("2025-12",), "5wd", table, ZONE).date() == date(
        2026, 1, 8
    )  # free: 1 to 3 January; Sunday the 4th is worked
    assert compute_settlement(("2024-02",), "5wd", table, ZONE).date() == date(2024, 3, 7)
    assert compute_settlement(parse_period("2025Q4").months, "1wd", table, ZONE).date() == date(2026, 1, 4)
