"""Limits such as 1wd are parsed and written the same way; nonsense is refused."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.limits import Limit, LimitUnit
from backend.domain.refusals import Refused


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [("1wd", 1, LimitUnit.WORKDAYS), ("8wh", 8, LimitUnit.WORK_HOURS), ("2h", 2, LimitUnit.HOURS),
     ("30m", 30, LimitUnit.MINUTES), ("180d", 180, LimitUnit.DAYS), (" 2H ", 2, LimitUnit.HOURS), ("007wd", 7, LimitUnit.WORKDAYS)],
)  # fmt: skip
def test_a_limit_is_parsed(text: str, amount: int, unit: LimitUnit) -> None:
    assert Limit.parse(text) == Limit(amount, unit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wd",
        "1",
        "0h",
        "-1h",
        "1.5h",
        "1 wd",
        "1w",
        "1wd2h",
        "99999h",
        "２h",
        "一天",
        "1wd\n2h",
        "close",
        "1e3h",
    ],
)
def test_what_is_not_a_limit_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(Refused) as no:
        Limit.parse(text)
    assert no.value.code == "bad_limit"
    assert no.value.facts["value"] == text


@given(st.builds(Limit, st.integers(1, 9999), st.sampled_from(LimitUnit)))
def test_a_written_limit_parses_to_the_same_limit(limit: Limit) -> None:
    assert Limit.parse(str(limit)) == limit


def test_clock_and_work_hour_limits_have_a_length_and_working_days_have_none() -> None:
    assert Limit.parse("90m").duration == timedelta(minutes=90)
    assert Limit.parse("2d").duration == timedelta(days=2)
    assert Limit.parse("8wh").duration == timedelta(hours=8)
    with pytest.raises(Refused):
        _ = Limit.parse("1wd").duration
