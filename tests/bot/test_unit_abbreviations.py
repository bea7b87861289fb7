"""A unit is found by the abbreviation people use for it."""

import pytest

from bot.actions.units import is_abbreviation


@pytest.mark.parametrize(
    ("short", "name", "found"),
    [("住建局", "市住房和城乡建设局", True), ("人社局", "市人力资源和社会保障局", True), ("城管", "市城市管理局", True),
     ("建住", "市住房和城乡建设局", False), ("供热站", "市供热集团", False)],
)  # fmt: skip
def test_an_abbreviation_keeps_the_order_of_the_characters(short: str, name: str, found: bool) -> None:
    assert is_abbreviation(short, name) is found
