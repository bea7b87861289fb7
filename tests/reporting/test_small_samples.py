"""The sample of a period is small or not as a whole: quiet months do not make a quarter small (B12)."""

from typing import Any

import pytest

from backend.reporting.gather import find_small_samples

RULES = {"scoring.small_sample_min": "10"}


def build_facts(assignments: int | None, **rates: int) -> dict[str, Any]:
    sample = {} if assignments is None else {"assignments": assignments}
    return {"unit": "U01", "rates": {item: [0, n] for item, n in rates.items()}, **sample}


@pytest.mark.parametrize(
    ("months", "small"),
    [
        ([build_facts(9)], True),
        ([build_facts(10)], False),
        ([build_facts(4), build_facts(4), build_facts(4)], False),
        ([build_facts(3), build_facts(3), build_facts(3)], True),
        ([build_facts(30), build_facts(0), build_facts(1)], False),
        ([build_facts(0), build_facts(0)], False),  # nothing at all is no small sample: there is no score to remark on
        ([build_facts(None, dispatch=6, connect=5), build_facts(None, dispatch=6, connect=5)], False),
        ([build_facts(None, dispatch=60, connect=4), build_facts(None, dispatch=60, connect=5)], True),
    ],
)
def test_the_sample_of_the_whole_period_decides(months: list[dict[str, Any]], small: bool) -> None:
    found = find_small_samples([{"units": [month]} for month in months], RULES)
    assert found == (frozenset({"U01"}) if small else frozenset())


def test_how_small_is_small_is_a_setting() -> None:
    assert find_small_samples([{"units": [build_facts(10)]}], {"scoring.small_sample_min": "11"}) == {"U01"}
