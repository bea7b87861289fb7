"""A facts document that is invalid or cannot be true is refused with a code and the path of the fault."""

import json
from importlib.resources import files

import pytest

from backend.domain.refusals import Refused
from backend.domain.scoring.compute import compute_given, compute_json
from backend.domain.scoring.scheme_file import parse_scheme


def unit(**more):
    return {"scheme": "jilin-unit", "assignments": 20, **more}


def entry(**row):
    return unit(ledger=[row])


BAD = [
    ({}, "unknown_scheme", None),
    ({"scheme": "../../pyproject"}, "unknown_scheme", None),
    ({"scheme": ["jilin-unit"]}, "unknown_scheme", "scheme"),
    (unit(asignments=3), "unknown_field", "asignments"),
    (unit(assignments=-1), "negative", "assignments"),
    (unit(assignments=2.5), "not_a_count", "assignments"),
    (unit(rates=[1, 2]), "bad_facts", "rates"),
    (unit(rates={"sing": [1, 2]}), "unknown_item", "rates.sing"),
    (unit(rates={"connect": [1, 2]}), "unknown_item", "rates.connect"),
    (unit(rates={"sign": [1]}), "bad_facts", "rates.sign"),
    (unit(rates={"sign": "1/2"}), "bad_facts", "rates.sign"),
    (unit(rates={"sign": [1, None]}), "not_a_count", "rates.sign[1]"),
    (unit(rates={"sign": [True, 2]}), "not_a_count", "rates.sign[0]"),
    (unit(rates={"sign": [-1, 2]}), "negative", "rates.sign[0]"),
    (unit(rates={"sign": [1, -2]}), "negative", "rates.sign[1]"),
    (unit(rates={"sign": [3, 2]}), "numerator_over_denominator", "rates.sign"),
    (unit(rates={"red_card": [1, 0]}), "numerator_over_denominator", "rates.red_card"),
    (unit(rates={"extension": [21, 10]}), "numerator_over_denominator", "rates.extension"),
    (unit(ledger={"kind": "praise"}), "bad_facts", "ledger"),
    (unit(ledger=["praise"]), "bad_facts", "ledger[0]"),
    (entry(count=1), "unknown_kind", "ledger[0].kind"),
    (entry(kind="post_missing"), "unknown_kind", "ledger[0].kind"),
    (entry(kind="praise", times=2), "unknown_field", "ledger[0].times"),
    (entry(kind="praise", count=-2), "negative", "ledger[0].count"),
    (entry(kind="praise", count="many"), "not_a_count", "ledger[0].count"),
    (entry(kind="praise", points="2"), "points_not_taken", "ledger[0].points"),
    (entry(kind="praise", level="galaxy"), "unknown_level", "ledger[0].level"),
    (entry(kind="honour", matter="m"), "level_missing", "ledger[0].level"),
    (entry(kind="honour", matter="m", level="village"), "unknown_level", "ledger[0].level"),
    (entry(kind="honour", level="city", already="1"), "matter_missing", "ledger[0].matter"),
    (entry(kind="honour", level="city", matter="m", already="-1"), "negative", "ledger[0].already"),
    (entry(kind="task"), "points_missing", "ledger[0].points"),
    (entry(kind="task", points="0.5"), "out_of_range", "ledger[0].points"),
    (entry(kind="task", points=4), "out_of_range", "ledger[0].points"),
    (entry(kind="task", points="three"), "not_a_number", "ledger[0].points"),
    (entry(kind="task", points=float("nan")), "not_a_number", "ledger[0].points"),
    (unit(last={"sign": "16"}), "out_of_range", "last.sign"),
    (unit(last={"total": "95"}), "unknown_item", "last.total"),
    (unit(settings={"slope_mode": "step_floor"}), "unknown_setting", "settings.slope_mode"),
    (unit(settings={"scoring.sing.slope_mode": "step_floor"}), "unknown_setting", "settings.scoring.sing.slope_mode"),
    (unit(settings=["x"]), "bad_facts", "settings"),
    ({"scheme": "jilin-mgmt", "ledger": [{"kind": "roster", "level": "late"}]}, "unknown_level", "ledger[0].level"),
    (
        {"scheme": "jilin-mgmt", "ledger": [{"kind": "connect", "timely": 9, "total": 8}]},
        "numerator_over_denominator",
        "ledger[0]",
    ),
    ({"scheme": "jilin-mgmt", "ledger": [{"kind": "connect", "timely": 9}]}, "bad_facts", "ledger[0]"),
    ({"scheme": "jilin-region", "units": ["x"]}, "not_a_number", "units[0]"),
    ({"scheme": "jilin-region", "management": "99999", "units": []}, "out_of_range", "management"),
    ({"scheme": "jilin-region", "units": ["1"], "weights": [1, 2]}, "bad_facts", "weights"),
    (
        {"scheme": "jilin-region", "units": ["1"], "settings": {"region.aggregation": "pooled"}},
        "pooled_missing",
        "pooled",
    ),
    (
        {"scheme": "jilin-region", "units": ["1"], "settings": {"region.aggregation": "ticket_weighted"}},
        "weights_missing",
        "weights",
    ),
    ({"scheme": "period", "kind": "week", "months": []}, "bad_facts", "kind"),
    ({"scheme": "period", "kind": "quarter", "months": ["1", "2", "3", "4"]}, "out_of_range", "months"),
]


@pytest.mark.parametrize(("facts", "code", "path"), BAD, ids=[f"{n}-{row[1]}" for n, row in enumerate(BAD)])
def test_bad_facts_are_refused_with_their_path(facts, code, path):
    with pytest.raises(Refused) as no:
        compute_json(facts)
    assert no.value.code == code
    assert path is None or no.value.facts["path"] == path
    json.dumps(dict(no.value.facts))


@pytest.mark.parametrize(
    ("assignments", "signed", "settings", "refused"),
    [
        (3, [4, 4], {}, True),
        (4, [4, 4], {}, False),
        (None, [4, 4], {}, False),
        (3, [4, 4], {"scoring.sign_month": "due"}, False),
        (3, [2, 3], {}, False),
    ],
)
def test_no_more_cases_of_signing_are_given_than_assignments_XD18(assignments, signed, settings, refused):
    facts = {"scheme": "jilin-unit", "assignments": assignments, "rates": {"sign": signed}}
    if not refused:
        assert compute_given(facts, settings) == compute_json(facts, settings)
        return
    with pytest.raises(Refused, match="more_than_assignments") as no:
        compute_given(facts, settings)
    assert no.value.facts["path"] == "rates.sign"


def test_an_unknown_kind_is_repeated_as_it_was_written():
    with pytest.raises(Refused) as no:
        compute_json(entry(kind="prayse"))
    assert no.value.facts["kind"] == "prayse"


def test_facts_that_are_not_an_object_are_refused():
    with pytest.raises(Refused, match="bad_facts"):
        compute_json([1])


def test_blank_columns_of_a_ledger_line_count_as_absent():
    row = {"kind": "praise", "unit": "U01", "month": "2026-10", "count": "2", "level": "", "matter": None, "points": ""}
    assert compute_json(unit(ledger=[row]))["bonus"] == "1.00"


def test_more_extensions_than_closings_are_possible_and_cost_at_most_five_points():
    line = next(x for x in compute_json(unit(rates={"extension": [20, 10]}))["lines"] if x["item"] == "extension")
    assert (line["rate"], line["deduction"], line["score"]) == ("200.00", "5.00", "0.00")


def test_a_fault_in_a_scheme_file_is_refused_with_its_path():
    text = (files("backend") / "data" / "schemes" / "jilin-unit.toml").read_text("utf-8")
    assert parse_scheme(text).id == "jilin-unit"
    for old, new, path in [
        ('basis = "', 'motto = "x"\nbasis = "', "motto"),
        ('version = "1"\n', "", "version"),
        ('points = "100"', 'points = "99"', "points"),
        ('measure = "sign"', 'measure = "hours"', "rate[0].measure"),
        ('better = "higher"', 'better = "bigger"', "rate[0].better"),
        ('threshold = "95"\n', "", "rate[0].threshold"),
        ('threshold = "95"', "threshold = 95.5", "rate[0].threshold"),
        ('slope = "1"', 'slope = "-1"', "rate[0].slope"),
        ('slope = "1"', 'slope = { setting = "office_hours", default = "1" }', "rate[0].slope.setting"),
        ('per = "1"', 'per = "0"', "rate[0].per"),
        ('cap = "15"', 'cap = "16"', "rate[0].cap"),
        ('cap = "15"', 'cap = "15"\nexpression = "1+1"', "rate[0].expression"),
        ('rule = "per_event"', 'rule = "guess"', "ledger[0].rule"),
        ('item = "return"', 'item = "sign"', "sign"),
        ("block = 5", "block = 0", "bonus[4].block"),
        ('uncapped_levels = ["national"]', 'uncapped_levels = ["galaxy"]', "minus[1].levels"),
        ('kind = "sheet"', 'kind = "poem"', "kind"),
        ('id = "jilin-unit"', "id = = 3", "file"),
        ('expect = \'{"total": null', 'expect = \'{"total": nil', "example[3].expect"),
    ]:
        assert old in text
        with pytest.raises(Refused) as no:
            parse_scheme(text.replace(old, new, 1))
        assert (no.value.code, no.value.facts["path"]) == ("bad_scheme", path)
