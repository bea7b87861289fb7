"""Every setting of scoring changes a score, is printed on the sheet, and refuses unknown values."""

from decimal import Decimal

import pytest

from backend.domain.refusals import Refused
from backend.domain.scoring.compute import compute_json
from backend.domain.scoring.readings import DEFAULTS
from tests.domain.scoring.month_e1 import E1

FULL = {"sign": [20, 20], "on_time": [20, 20]}


def unit(**more):
    return {"scheme": "jilin-unit", "assignments": 20, "rates": dict(FULL), **more}


def mgmt(**more):
    return {"scheme": "jilin-mgmt", "ledger": [{"kind": "governed_class"}], **more}


CRITICISED = unit(ledger=[{"kind": "criticism", "level": "national"}, {"kind": "criticism", "level": "province"}])
REGION = {"scheme": "jilin-region", "management": "80", "units": ["100", "50"], "weights": [30, 10],
          "pooled": {"assignments": 40, "rates": {"sign": [36, 40]}}}  # fmt: skip

CHANGES = [
    # key, value, facts, total by default, total under the value
    ("scoring.slope_mode", "step_floor", E1, "95.05", "96.90"),
    ("scoring.slope_mode", "step_ceil", E1, "95.05", "93.90"),
    ("scoring.sign.slope_mode", "step_ceil", E1, "95.05", "94.72"),
    (
        "scoring.zero_denominator",
        "exclude_and_rescale",
        unit(rates={"sign": [9, 10], "on_time": [20, 20]}),
        "95.00",
        "88.57",
    ),
    ("scoring.participation", "dispatched", unit(assignments=0), "100.00", None),
    ("scoring.zero_denominator", "carry_last", unit(last={"return": "7.25"}), "100.00", "97.25"),
    ("scoring.tolerance_count", "1", unit(rates={"sign": [9, 10], "red_card": [2, 10]}), "85.00", "100.00"),
    ("scoring.connect.cap", "20", mgmt(rates={"connect": [0, 9]}), "85.00", "80.00"),
    ("scoring.connect.slope", "0.25", mgmt(rates={"connect": [85, 100]}), "95.00", "97.50"),
    ("scoring.management.county_honour", "1", mgmt(ledger=[{"kind": "honour", "level": "county"}]), "95.00", "96.00"),
    ("scoring.management.county_media", "1", mgmt(ledger=[{"kind": "media", "level": "county"}]), "95.00", "96.00"),
    (
        "scoring.total_floor",
        "60",
        unit(rates={"sign": [0, 20], "on_time": [0, 20], "satisfaction": [0, 9]}),
        "45.00",
        "60.00",
    ),
    ("scoring.total_max", "100", unit(ledger=[{"kind": "praise"}]), "100.50", "100.00"),
    ("scoring.rounding", "half_up_1", E1, "95.05", "95.0"),
    (
        "scoring.rounding",
        "half_even_2",
        {"scheme": "period", "kind": "quarter", "months": ["91.72", "91.73"]},
        "91.73",
        "91.72",
    ),
    ("scoring.rounding_stage", "total_only", unit(rates={"sign": [85, 91], "on_time": [85, 91]}), "96.82", "96.81"),
    ("scoring.task_cap", "2", unit(ledger=[{"kind": "task", "points": 3}]), "103.00", "102.00"),
    ("scoring.criticism_cap", "province_only", CRITICISED, "95.00", "92.50"),
    ("region.aggregation", "ticket_weighted", REGION, "77.00", "84.50"),
    ("region.aggregation", "pooled", REGION, "77.00", "89.00"),
]


@pytest.mark.proves("region.weight_management", "region.weight_units")
def test_the_weights_of_a_region_change_its_score():
    half = {"region.weight_management": "0.5", "region.weight_units": "0.5"}
    assert compute_json(REGION)["total"] == "77.00"
    assert compute_json(REGION, half)["total"] == "77.50"


@pytest.mark.proves
@pytest.mark.parametrize(("key", "value", "facts", "before", "after"), CHANGES)
def test_a_setting_changes_the_total_and_is_printed(key, value, facts, before, after):
    assert compute_json(facts)["total"] == before
    sheet = compute_json(facts, {key: value})
    assert sheet["total"] == after
    assert sheet["readings"][key] == value
    own = compute_json({**facts, "settings": {key: value}}, {})
    assert own["total"] == after


SHORT = (189, 200)  # half a percentage point short of 95
BEYOND = (21, 200)  # half a percentage point beyond 10
UNIT_SHORT = unit(assignments=200, rates={**dict.fromkeys(("sign", "return", "on_time", "satisfaction"), SHORT),
                                          **dict.fromkeys(("extension", "red_card"), BEYOND)})  # fmt: skip
MGMT_SHORT = mgmt(rates=dict.fromkeys(("connect", "dispatch"), SHORT))


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "facts"),
    [
        ("scoring.connect.slope_mode", MGMT_SHORT),
        ("scoring.dispatch.slope_mode", MGMT_SHORT),
        ("scoring.sign.slope_mode", UNIT_SHORT),
        ("scoring.return.slope_mode", UNIT_SHORT),
        ("scoring.on_time.slope_mode", UNIT_SHORT),
        ("scoring.extension.slope_mode", UNIT_SHORT),
        ("scoring.red_card.slope_mode", UNIT_SHORT),
        ("scoring.satisfaction.slope_mode", UNIT_SHORT),
    ],
)
def test_an_item_with_its_own_slope_mode_loses_less_and_the_others_what_they_lost(key, facts):
    plain, own = (
        {line["item"]: line["deduction"] for line in compute_json(facts, settings)["lines"]}
        for settings in ({}, {key: "step_floor"})
    )
    item = key.split(".")[1]
    assert plain[item] != own[item] == "0.00"
    assert plain | {item: "0.00"} == own


def test_the_documents_own_settings_win():
    facts = {**E1, "settings": {"scoring.slope_mode": "step_ceil"}}
    assert compute_json(facts, {"scoring.slope_mode": "step_floor"})["total"] == "93.90"


def test_the_settings_used_are_printed_with_their_defaults():
    printed = compute_json(E1)["readings"]
    assert printed["scoring.slope_mode"] == "proportional"
    assert printed["scoring.closure_basis"] == DEFAULTS["scoring.closure_basis"]
    assert printed["scoring.task_cap"] == "3"
    assert "scoring.connect.cap" not in printed
    assert compute_json(mgmt())["readings"]["scoring.connect.cap"] == "15"
    assert compute_json(REGION)["readings"]["region.aggregation"] == "mean"
    quarter = compute_json({"scheme": "period", "kind": "quarter", "months": []})
    assert quarter["readings"]["period.quarter"] == "mean_of_scored_months"


@pytest.mark.proves("scoring.small_sample_min")
def test_the_small_sample_flag_follows_its_setting():
    assert compute_json(unit(assignments=9))["flags"] == ["small_sample"]
    assert compute_json(unit(assignments=10))["flags"] == []
    assert compute_json(unit(assignments=10), {"scoring.small_sample_min": "11"})["flags"] == ["small_sample"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scoring.slope_mode", "gentle"), ("scoring.sign.slope_mode", ""), ("scoring.zero_denominator", "zero"),
        ("scoring.small_sample_min", "-1"), ("scoring.small_sample_min", "1.5"), ("scoring.tolerance_count", "none"),
        ("scoring.connect.cap", "-1"), ("scoring.total_max", "-5"), ("scoring.total_floor", "low"),
        ("scoring.total_floor", "1e3"), ("scoring.rounding", "half_up_9"), ("scoring.rounding", "down"),
        ("scoring.rounding_stage", "never"), ("scoring.task_cap", "lots"), ("scoring.closure_basis", "open"),
        ("scoring.total_max", True), ("region.aggregation", "median"), ("period.year", "mean_of_quarters"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_refused_with_its_key(key, value):
    with pytest.raises(Refused) as no:
        compute_json({**E1, "settings": {key: value}})
    assert (no.value.code, no.value.facts["key"]) == ("bad_setting", key)


@pytest.mark.parametrize(
    ("facts", "settings"),
    [
        (mgmt(rates={"connect": [1, 2]}), {"scoring.connect.cap": "21"}),
        (mgmt(rates={"connect": [1, 2]}), {"scoring.connect.slope": "none"}),
        (E1, {"scoring.total_floor": "50", "scoring.total_max": "40"}),
        (REGION, {"region.weight_management": "0.5"}),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(facts, settings):
    with pytest.raises(Refused, match="bad_setting"):
        compute_json(facts, settings)


def test_settings_of_other_features_do_not_change_the_score():
    assert compute_json(E1, {"office_hours": "08:30-17:00", "scoring.connect.cap": "20"})["total"] == "95.05"


def test_a_printed_default_of_an_item_does_not_override_a_changed_general_mode():
    inherited = {"scoring.slope_mode": "proportional", "scoring.sign.slope_mode": "proportional",
            "scoring.return.slope_mode": "step_ceil"}  # fmt: skip
    own = {"scoring.slope_mode": "step_floor"}
    sheet = compute_json({**E1, "settings": own}, inherited)
    assert sheet["total"] == "96.90"
    assert "scoring.sign.slope_mode" not in sheet["readings"]
    assert sheet["readings"]["scoring.return.slope_mode"] == "step_ceil"


@pytest.mark.parametrize(
    ("management", "units", "parts", "total"),
    [
        ("69.09", ["41.87"], ["27.6360", "25.1220"], "52.76"),
        ("69.1125", ["41.875"], ["27.6450", "25.1250"], "52.77"),
        ("87.11", ["95.05", "100.00", "0.00"], ["34.8440", "39.0100"], "73.85"),
    ],
)
def test_the_parts_of_a_region_add_up_to_its_total_as_printed_XD12(management, units, parts, total):
    sheet = compute_json({"scheme": "jilin-region", "management": management, "units": units})
    assert ([line["score"] for line in sheet["lines"]], sheet["total"]) == (parts, total)
    assert abs(sum(map(Decimal, parts)) - Decimal(total)) <= Decimal("0.005")


@pytest.mark.parametrize(
    "months", [["100.00", "90.00", "80.01"], ["33.34"] * 3, ["99.99", "100.00", "100.00"], ["88.88", None, "91.17"]]
)
def test_the_months_of_a_quarter_add_up_to_its_total_as_printed_XD12(months):
    sheet = compute_json({"scheme": "period", "kind": "quarter", "months": months})
    shares = [Decimal(line["score"]) for line in sheet["lines"]]
    assert abs(sum(shares) - Decimal(sheet["total"])) <= Decimal("0.005")


def test_two_offices_with_the_same_figures_and_rules_have_the_same_hash_XD13():
    one = compute_json({**E1, "unit": "U01", "name": "住建局", "evidence": {"sign": [{"ticket": "T1"}]}})
    other = compute_json({**E1, "unit": "U77", "name": "建设局"})
    assert one["figures_hash"] == other["figures_hash"] and len(one["figures_hash"]) == 64
    for changed in (
        compute_json({**E1, "rates": {**E1["rates"], "sign": [111, 120]}}),
        compute_json(E1, {"scoring.small_sample_min": "11"}),
    ):
        assert changed["figures_hash"] != one["figures_hash"]
