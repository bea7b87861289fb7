"""Rules of the annexes at their edges, and what holds for any facts."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.scoring.compute import compute_json
from backend.domain.scoring.exact import Rounding, format_decimal
from backend.domain.scoring.measures import MEASURE_DEFINITIONS, Measure
from backend.domain.scoring.ranking import find_tier, rank
from backend.domain.scoring.readings import DEFAULTS
from backend.domain.scoring.scheme_file import load_scheme

MODES = ("proportional", "step_floor", "step_ceil")


def unit(rates=None, ledger=(), assignments=100, **more):
    return {"scheme": "jilin-unit", "assignments": assignments, "rates": rates or {}, "ledger": list(ledger), **more}


def compute_lines(facts, chosen=None):
    return {line["item"]: line for line in compute_json(facts, chosen or {})["lines"]}


@pytest.mark.parametrize(
    ("mode", "numerator", "denominator", "deduction"),
    [
        ("step_ceil", 95, 100, "0.00"), ("step_ceil", 94996, 100000, "1.00"),  # 94.996 % is not 95 % (Q4)
        ("step_floor", 94996, 100000, "0.00"), ("step_floor", 94, 100, "1.00"), ("step_floor", 93001, 100000, "1.00"),
        ("proportional", 94996, 100000, "0.00"), ("proportional", 94, 100, "1.00"), ("proportional", 1, 1, "0.00"),
        ("proportional", 80, 100, "15.00"), ("proportional", 0, 100, "15.00"), ("step_ceil", 80001, 100000, "15.00"),
    ],
)  # fmt: skip
def test_a_rate_is_compared_exactly_and_deducted_by_its_mode(mode, numerator, denominator, deduction):
    facts = unit({"sign": [numerator, denominator]})
    assert compute_lines(facts, {"scoring.slope_mode": mode})["sign"]["deduction"] == deduction


def test_the_published_scores_of_lianyungang_come_out():
    assert compute_lines(unit({"on_time": [8982, 10000]}))["on_time"]["score"] == "14.82"
    assert compute_lines(unit({"on_time": [4, 5]}))["on_time"]["score"] == "5.00"


def test_exactly_ten_per_cent_of_red_cards_costs_nothing_and_each_point_more_costs_one():
    assert [compute_lines(unit({"red_card": [n, 100]}))["red_card"]["deduction"] for n in (10, 11, 20, 99)] == [
        "0.00", "1.00", "10.00", "10.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "points"),
    [
        ([("m", "city"), ("m", "national"), ("m", "province")], "4.00"),  # highest once per matter
        ([("m", "county"), ("n", "county")], "2.00"),
        ([(None, "county"), (None, "county")], "2.00"),  # unnamed matters stand alone
        ([("m", "national"), ("n", "national")], "4.00"),  # cap
        ([], "0.00"),
    ],
)
def test_an_honour_counts_at_its_highest_once_per_matter(entries, points):
    ledger = [{"kind": "honour", "level": level, **({"matter": matter} if matter else {})} for matter, level in entries]
    assert compute_lines(unit(ledger=ledger))["honour"]["score"] == points


@pytest.mark.parametrize(("already", "points"), [("0", "2.00"), ("1.5", "0.50"), ("2", "0.00"), ("4", "0.00")])
def test_points_a_matter_earned_earlier_in_the_year_are_not_earned_again(already, points):
    ledger = [{"kind": "honour", "matter": "m", "level": "province", "already": already}]
    assert compute_lines(unit(ledger=ledger))["honour"]["score"] == points


@pytest.mark.parametrize(("count", "points"), [(0, "0.00"), (4, "0.00"), (5, "0.10"), (22, "0.40"), (999, "3.00")])
def test_knowledge_counts_by_whole_fives(count, points):
    split = [{"kind": "knowledge", "count": count // 2}, {"kind": "knowledge", "count": count - count // 2}]
    assert compute_lines(unit(ledger=split))["knowledge"]["score"] == points


def test_a_roster_costs_three_or_five_points_but_never_eight():
    def deduct(*levels):
        ledger = [{"kind": "roster", "level": level} for level in levels]
        return compute_lines({"scheme": "jilin-mgmt", "ledger": ledger})["roster"]["deduction"]

    assert [deduct(), deduct("ok"), deduct("unreasonable"), deduct("missing"), deduct("unreasonable", "missing")] == [
        "0.00", "0.00", "3.00", "5.00", "5.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("classes", "lost", "won"), [(0, "5.00", "0.00"), (1, "0.00", "0.00"), (3, "0.00", "2.00"), (9, "0.00", "5.00")]
)
def test_one_governed_class_is_required_and_each_more_is_a_bonus(classes, lost, won):
    found = compute_lines({"scheme": "jilin-mgmt", "ledger": [{"kind": "governed_class", "count": classes}]})
    assert (found["diligence_governance"]["deduction"], found["governed_class"]["score"]) == (lost, won)


def test_criticism_by_a_city_or_county_costs_nothing():
    facts = unit(ledger=[{"kind": "criticism", "level": "city"}, {"kind": "criticism", "level": "county"}])
    assert compute_json(facts)["minus"] == "0.00"


def test_without_an_earlier_score_carry_last_gives_full_points():
    found = compute_lines(unit(), {"scoring.zero_denominator": "carry_last"})["return"]
    assert (found["score"], found["note"]) == ("10.00", "no_data")


def test_an_unscored_unit_still_has_its_lines():
    sheet = compute_json(unit(assignments=0, rates={"red_card": [0, 0]}))
    assert (sheet["total"], sheet["raw_total"], sheet["flags"]) == (None, None, ["no_assignment"])
    assert len(sheet["lines"]) == 20


@pytest.mark.parametrize(
    ("rates", "more", "total"),
    [
        ({}, {}, None),
        ({}, {"in_hand": 0}, None),
        ({"red_card": [1, 1], "on_time": [0, 1]}, {}, "70.00"),
        ({"red_card": [0, 4]}, {}, "100.00"),
        ({"return": [0, 1]}, {}, "90.00"),
        ({}, {"in_hand": 1}, "100.00"),
    ],
)
def test_a_unit_takes_part_with_anything_in_hand_closed_or_returned_XD2(rates, more, total):
    facts = unit(assignments=0, rates=rates, **more)
    assert compute_json(facts)["total"] == total
    narrow = compute_json(facts, {"scoring.participation": "dispatched"})
    assert (narrow["total"], narrow["readings"]["scoring.participation"]) == (None, "dispatched")


def test_ties_share_a_rank_and_unscored_units_have_none():
    ranked = rank({"U1": "90.00", "U2": "95.05", "U3": "90.00", "U4": None, "U5": "80", "U0": None})
    assert [(r.code, r.rank) for r in ranked] == [
        ("U2", 1), ("U1", 2), ("U3", 2), ("U5", 4), ("U0", None), ("U4", None),
    ]  # fmt: skip


def test_a_tier_starts_at_its_floor():
    tiers = load_scheme("period").tiers
    found = [find_tier(total, tiers) for total in ("95.00", "94.99", "60", "0", "-0.01", None)]
    assert [tier and tier.id for tier in found] == ["excellent", "good", "fair", "poor", None, None]


def test_rounding_is_half_up_away_from_zero_and_never_minus_zero():
    rounding = Rounding()
    cases = {"91.725": "91.73", "-14.505": "-14.51", "-0.004": "0.00", "0.005": "0.01", "87.105": "87.11"}
    assert {text: rounding.format(Fraction(text)) for text in cases} == cases
    assert Rounding(0).format(Fraction(5, 2)) == "3"
    assert (
        format_decimal(Fraction(15)),
        format_decimal(Fraction(5, 2)),
        format_decimal(Fraction(0)),
        format_decimal(Fraction(100)),
    ) == (
        "15",
        "2.5",
        "0",
        "100",
    )


def test_every_measure_is_defined_by_settings_that_exist():
    assert set(MEASURE_DEFINITIONS) == set(Measure)
    assert {key for row in MEASURE_DEFINITIONS.values() for key in row.settings} <= set(DEFAULTS)


pairs = st.integers(0, 400).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d)))
some_rates = st.fixed_dictionaries(
    {item: pairs.map(list) for item in ("sign", "return", "on_time", "extension", "red_card", "satisfaction")}
)
kinds = st.sampled_from(
    ["lead_unit_missing", "contact_unreported", "absence", "fabrication", "praise", "knowledge", "exposure"]
)
some_ledger = st.lists(st.builds(lambda kind, n: {"kind": kind, "count": n}, kinds, st.integers(0, 60)), max_size=5)
some_settings = st.fixed_dictionaries(
    {},
    optional={
        "scoring.slope_mode": st.sampled_from(MODES),
        "scoring.zero_denominator": st.sampled_from(("full", "exclude_and_rescale", "carry_last")),
        "scoring.rounding_stage": st.sampled_from(("published", "total_only")),
        "scoring.tolerance_count": st.sampled_from(("0", "3")),
    },
)


@settings(max_examples=60, deadline=None)
@given(some_rates, some_ledger, some_settings)
def test_no_item_leaves_its_bounds_and_the_sums_add_up(rates, ledger, chosen):
    sheet = compute_json(unit(rates, ledger), chosen)
    for line in sheet["lines"]:
        if line["part"] == "base":
            assert 0 <= Fraction(line["score"]) <= Fraction(line["points"])
            assert abs(Fraction(line["score"]) + Fraction(line["deduction"]) - Fraction(line["points"])) <= Fraction(
                1, 100
            )
    assert 0 <= Fraction(sheet["base"]) <= 100
    assert 0 <= Fraction(sheet["bonus"]) <= 15
    assert 0 <= Fraction(sheet["minus"]) <= 15
    assert 0 <= Fraction(sheet["total"]) <= 115
    if chosen.get("scoring.rounding_stage") != "total_only":
        base = sum(Fraction(line["score"]) for line in sheet["lines"] if line["part"] == "base")
        assert base == Fraction(sheet["base"])
        assert sum(Fraction(line["score"]) for line in sheet["lines"]) == Fraction(sheet["raw_total"])


@settings(max_examples=60, deadline=None)
@given(some_rates, st.sampled_from(MODES), st.sampled_from(["sign", "return", "on_time", "satisfaction"]))
def test_one_more_success_never_lowers_a_total(rates, mode, item):
    numerator, denominator = rates[item]
    if numerator == denominator:
        return
    better = {**rates, item: [numerator + 1, denominator]}
    chosen = {"scoring.slope_mode": mode}
    assert Fraction(compute_json(unit(better), chosen)["total"]) >= Fraction(compute_json(unit(rates), chosen)["total"])


@settings(max_examples=40, deadline=None)
@given(some_rates, st.sampled_from(["extension", "red_card"]))
def test_one_more_failure_never_raises_a_total(rates, item):
    numerator, denominator = rates[item]
    if numerator == denominator:
        return
    worse = {**rates, item: [numerator + 1, denominator]}
    assert Fraction(compute_json(unit(worse))["total"]) <= Fraction(compute_json(unit(rates))["total"])


@settings(max_examples=40, deadline=None)
@given(some_rates)
def test_step_ceil_is_never_milder_than_proportional_nor_that_than_step_floor(rates):
    totals = [Fraction(compute_json(unit(rates), {"scoring.slope_mode": mode})["total"]) for mode in MODES]
    assert totals[1] >= totals[0] >= totals[2]
