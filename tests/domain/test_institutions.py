"""The institution of a matter is the one that received it, else its region's up the tree; never any (A3, XM1)."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.institutions import find_institution, is_circular, list_institutions_above
from backend.domain.records import Unit
from backend.domain.ticket_enums import UnitKind

M, H, N = UnitKind.MANAGEMENT, UnitKind.HANDLING, UnitKind.INTERNAL
#: A trade union: the city's hotline, its head office, the office's department, two agencies, a works union; and, apart
#: from them, a county with a hotline of its own. In the order of their codes the wrong ones come first.
HOUSE = (
    Unit("A0", "某县热线", M, "某县"), Unit("A1", "某县住建局", H, "某县"),
    Unit("Z9", "市总12351", M, "北京市"), Unit("B1", "北京办事处", M, "北京市", "Z9"),
    Unit("B2", "业务一部", N, "北京市", "B1"), Unit("B3", "朝阳区代办处", H, "朝阳区", "B1"),
    Unit("B4", "某厂工会", H, "某厂", "B3"), Unit("B5", "海淀区代办处", H, "海淀区", "B1"),
    Unit("B0", "停用的办事处", M, "朝阳区", "Z9", active=False),
)  # fmt: skip
UNITS = {u.code: u for u in HOUSE}


@pytest.mark.parametrize(
    ("region", "receiver", "institution"),
    [
        ("北京市", "B1", "B1"),
        ("某县", "B1", "B1"),  # who received it, wherever it is about
        ("朝阳区", "B2", "B1"),
        ("", "B4", "B1"),
        ("北京市", "Z9", "Z9"),
        ("北京市", None, "Z9"),  # the upper one of the region's two
        ("朝阳区", None, "B1"),
        ("某厂", None, "B1"),
        ("某县", None, "A0"),
        ("某县", "A1", "A0"),  # its line has none: the region's
        ("别处", None, None),  # two lines in the house: nothing says which
        ("", None, None),
    ],
)
def test_a_matter_falls_to_who_received_it_else_to_the_regions_nearest_XM1(
    region: str, receiver: str | None, institution: str | None
) -> None:
    assert find_institution(UNITS, region, receiver) == institution


def test_a_house_with_one_line_knows_its_institution_for_every_region_XM1() -> None:
    union = {code: unit for code, unit in UNITS.items() if unit.region != "某县"}
    assert [find_institution(union, region) for region in ("别处", "", "朝阳区")] == ["Z9", "Z9", "B1"]
    assert find_institution({}, "朝阳区") is None


@st.composite
def draw_houses(draw: st.DrawFn) -> Sequence[Unit]:
    """Draw up to eight units, each below an earlier one or none."""
    codes = draw(st.permutations([f"U{n}" for n in range(draw(st.integers(1, 8)))]))
    return [
        Unit(code, code, draw(st.sampled_from(UnitKind)), draw(st.sampled_from(["", "甲区", "乙区"])),
             draw(st.sampled_from([None, *codes[:n]])), active=draw(st.booleans()))
        for n, code in enumerate(codes)
    ]  # fmt: skip


@given(draw_houses(), st.sampled_from(["", "甲区", "乙区"]), st.randoms(use_true_random=False))
def test_the_answer_is_an_active_institution_and_never_depends_on_the_order_of_the_units_XM1(
    house: Sequence[Unit], region: str, chance: random.Random
) -> None:
    units, shuffled = {u.code: u for u in house}, list(house)
    chance.shuffle(shuffled)
    for receiver in (None, *units):
        found = find_institution(units, region, receiver)
        assert found == find_institution({u.code: u for u in shuffled}, region, receiver)
        assert found is None or (units[found].kind is M and units[found].active)
        if above := list_institutions_above(units, receiver):
            assert found == above[0]


def test_a_line_that_runs_in_a_circle_is_known_and_ends_XM1() -> None:
    circle = {
        "A": Unit("A", "甲", M, parent="B"),
        "B": Unit("B", "乙", M, parent="A"),
        "C": Unit("C", "丙", H, parent="A"),
    }
    assert [is_circular(circle, code) for code in "ABC"] == [True] * 3
    assert list_institutions_above(circle, "C") == ("A", "B")
    assert not any(is_circular(UNITS, code) for code in UNITS)
