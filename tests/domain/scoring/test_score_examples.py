"""The worked examples of every scheme file and of the contract come out to the last hundredth."""

import json
from dataclasses import replace

import pytest

from backend.domain.scoring.compute import compute_json
from backend.domain.scoring.examples import find_mismatches
from backend.domain.scoring.scheme import Part
from backend.domain.scoring.scheme_file import list_scheme_ids, load_scheme
from tests.domain.scoring.month_e1 import E1


@pytest.mark.parametrize("scheme", list_scheme_ids())
def test_every_scheme_computes_its_own_examples(scheme):
    loaded = load_scheme(scheme)
    assert loaded.examples
    assert list(find_mismatches(loaded)) == []


def test_an_example_that_comes_out_otherwise_is_reported():
    scheme = load_scheme("period")
    example = scheme.examples[0]
    wrong = replace(example, name="wrong", expect={"total": "1.00", "rates": {"month_1": "2.00"}})
    assert list(find_mismatches(replace(scheme, examples=(wrong,)))) == [
        "wrong: total: '91.73', not '1.00'",
        "wrong: rates: {'month_1': '95.05'}, not {'month_1': '2.00'}",
    ]


def test_the_province_schemes_have_every_row_of_both_annexes():
    unit, mgmt = load_scheme("jilin-unit"), load_scheme("jilin-mgmt")
    assert [r.source for r in unit.rates] == ["B33", "B36", "B38", "B40", "B41", "B43"]
    assert [line.source for line in unit.ledger] == [f"B{n}" for n in range(44, 58)]
    assert [r.source for r in mgmt.rates] == ["B15", "B17"]
    assert [line.source for line in mgmt.ledger] == [
        *[f"B{n}" for n in range(18, 24)],
        *[f"B{n}" for n in range(24, 32)],
    ]


def test_the_caps_of_bonus_and_minus_are_those_of_the_annexes():
    def sum_caps(scheme, part):
        return sum(line.cap.value or int(line.cap.default) for line in load_scheme(scheme).list_part(part))

    assert (sum_caps("jilin-unit", Part.BONUS), sum_caps("jilin-unit", Part.MINUS)) == (15, 15)
    assert (sum_caps("jilin-mgmt", Part.BONUS), sum_caps("jilin-mgmt", Part.MINUS)) == (20, 10)


def test_the_sheet_has_the_form_of_the_contract():
    sheet = compute_json(E1)
    assert json.loads(json.dumps(sheet)) == sheet
    assert {key: sheet[key] for key in ("scheme", "total", "raw_total", "base", "bonus", "minus", "flags")} == {
        "scheme": "jilin-unit", "total": "95.05", "raw_total": "95.05", "base": "90.15", "bonus": "4.90",
        "minus": "0.00", "flags": [],
    }  # fmt: skip
    assert sheet["lines"][0] == {
        "item": "sign", "name": "及时签收率", "part": "base", "points": "15", "numerator": 112, "denominator": 120,
        "rate": "93.33", "deduction": "1.67", "score": "13.33", "note": "", "evidence": [],
    }  # fmt: skip
    items = [line["item"] for line in sheet["lines"] if line["part"] == "base"]
    assert items == [
        "sign", "return", "on_time", "extension", "red_card", "satisfaction", "organisation_lead",
        "organisation_contact", "organisation_reach", "cooperation", "diligence_truth", "diligence_reply",
    ]  # fmt: skip


def test_a_line_shows_the_ledger_entries_behind_it():
    sheet = compute_json({**E1, "ledger": [{"kind": "praise", "count": 2, "note": "锦旗", "evidence": ["f1"]}],
                         "evidence": {"sign": ["T1", "T2"]}})  # fmt: skip
    by_item = {line["item"]: line for line in sheet["lines"]}
    assert by_item["praise"]["evidence"] == [{"kind": "praise", "count": 2, "note": "锦旗", "evidence": ["f1"]}]
    assert by_item["sign"]["evidence"] == ["T1", "T2"]
