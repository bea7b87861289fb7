"""A period's sample is small or not as a whole: quiet months do not make a quarter small (B12)."""

from typing import Any

import pytest

from backend.reporting.gather import find_small_samples

RULES = {"scoring.small_sample_min": "10"}


def _unit(assignments: int | None, **rates: int) -> dict[str, Any]:
    counted = {} if assignments is None else {"assignments": assignments}
    return {"unit": "U01", "rates": {item: [0, n] for item, n in rates.items()}, **counted}


@pytest.mark.parametrize(
    ("months", "small"),
    [
        ([_unit(9)], True),
        ([_unit(10)], False),
        ([_unit(4), _unit(4), _unit(4)], False),
        ([_unit(3), _unit(3), _unit(3)], True),
        ([_unit(30), _unit(0), _unit(1)], False),
        ([_unit(0), _unit(0)], False),  # nothing at all is no small sample: there is no mark to remark on
        ([_unit(None, dispatch=6, connect=5), _unit(None, dispatch=6, connect=5)], False),
        ([_unit(None, dispatch=60, connect=4), _unit(None, dispatch=60, connect=5)], True),
    ],
)
def test_the_whole_periods_sample_decides(months: list[dict[str, Any]], small: bool) -> None:
    found = find_small_samples([{"units": [one]} for one in months], RULES)
    assert found == (frozenset({"U01"}) if small else frozenset())


def test_how_small_is_small_is_a_setting() -> None:
    assert find_small_samples([{"units": [_unit(10)]}], {"scoring.small_sample_min": "11"}) == {"U01"}
