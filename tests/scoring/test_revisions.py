"""A revision keeps the rules of what it revises; trials by changed settings are for comparison (B3, XD9, XD23)."""

from collections.abc import Mapping
from typing import Any

import pytest

from backend.domain.refusals import Refused
from backend.domain.scoring.scheme_file import load_scheme, read_scheme_text
from backend.scoring.periods import parse_period
from backend.scoring.results import compute_result
from backend.scoring.rules import build_source, diff_rules, keep_schemes
from tests.scoring.world import CLERK, HANDLER, OCT, SECOND_CLERK, World, find_unit


def find_total(run: Mapping[str, Any]) -> str:
    """Return the total of U01."""
    return str(find_unit(run, "U01")["total"])


CHANGES = (("scoring.slope_mode", "step_ceil", "91.40"), ("scoring.slope_mode", "step_floor", "94.40"),
           ("scoring.total_max", "90", "90.00"), ("scoring.rounding", "half_even_2", "92.55"))  # fmt: skip


@pytest.mark.parametrize(("key", "value", "by_current"), CHANGES)
async def test_a_revision_starts_from_the_locked_rules_and_a_changed_rule_is_a_line_of_the_difference_XD9(
    world: World, key: str, value: str, by_current: str
) -> None:
    await world.load_e1()
    run = await world.scoring.start_run(OCT, None, CLERK)
    await world.lock(run["id"])
    before = (await world.office.snapshot()).settings.text(key)
    await world.change_setting(key, value)
    await world.add_ledger([{"kind": "exposure", "reason": "定稿后收到通报"}])
    kept = await world.scoring.start_run(OCT, None, CLERK)
    assert (find_total(kept), kept["revision_of"]) == ("92.55", run["id"])
    difference = await world.scoring.runs.compare(kept["id"], None, CLERK)
    assert difference["rules"] == []
    assert [(u["unit"], u["change"]) for u in difference["units"]] == [("U01", "-2.50")]
    current = await world.scoring.start_run(OCT, None, CLERK, current_rules=True)
    difference = await world.scoring.runs.compare(current["id"], None, CLERK)
    assert difference["rules"] == [{"key": key, "month": OCT, "old": before, "new": value}]
    for revision in (run, kept, current):
        assert await world.scoring.runs.verify(revision["id"])
    assert find_total(current) == by_current


async def test_a_quarter_is_revised_by_the_rules_of_its_own_months_XD9(world: World) -> None:
    await world.load_e1()
    run = await world.scoring.start_run("2026Q4", None, CLERK)
    inputs = (await world.scoring.runs.get(run["id"])).sheet["inputs"]
    await world.change_setting("scoring.slope_mode", "step_ceil")
    again = await world.scoring.collect_inputs(parse_period("2026Q4"), kept=inputs)
    assert diff_rules(inputs, keep_schemes(again, inputs)) == []
    fresh = keep_schemes(await world.scoring.collect_inputs(parse_period("2026Q4")))
    assert {r["month"] for r in diff_rules(inputs, fresh)} == {"2026Q4", OCT, "2026-11"}


async def test_a_run_keeps_its_scheme_files_and_is_recomputed_by_them_XD9(world: World) -> None:
    await world.load_e1()
    run = await world.scoring.start_run(OCT, None, CLERK)
    sheet = (await world.scoring.runs.get(run["id"])).sheet
    assert set(sheet["inputs"]["schemes"]) == {"jilin-unit", "jilin-mgmt", "jilin-region"}
    #: as if the packaged file were another one today: the praise of the locked month was worth one point, not half
    older = read_scheme_text("jilin-unit").replace('source = "B50"\nrule = "per_event"\namount = "0.5"',
                                                   'source = "B50"\nrule = "per_event"\namount = "0.25"')  # fmt: skip
    assert older != read_scheme_text("jilin-unit")
    inputs = {**sheet["inputs"], "schemes": {**sheet["inputs"]["schemes"], "jilin-unit": older}}
    assert find_total(compute_result(inputs)) == "94.30"  # 3 × 0.25 less
    assert build_source(inputs)("jilin-unit") != load_scheme("jilin-unit")
    (changed,) = diff_rules(inputs, sheet["inputs"])
    assert changed["key"] == "scheme.jilin-unit" and changed["old"] != changed["new"]
    revised = keep_schemes(await world.scoring.collect_inputs(parse_period(OCT), kept=inputs), inputs)
    assert revised["schemes"]["jilin-unit"] == older and find_total(compute_result(revised)) == "94.30"


async def test_a_run_older_than_a_setting_is_revised_by_what_held_then_XD9(world: World) -> None:
    await world.load_e1()
    run = await world.scoring.start_run(OCT, None, CLERK)
    inputs = (await world.scoring.runs.get(run["id"])).sheet["inputs"]
    assert inputs["settings"]["scoring.participation"] == "in_hand"
    older = {**inputs, "settings": {k: v for k, v in inputs["settings"].items() if k != "scoring.participation"}}
    revised = await world.scoring.collect_inputs(parse_period(OCT), kept=older)
    assert revised["settings"]["scoring.participation"] == "dispatched"
    assert compute_result(revised)["units"] == compute_result(older)["units"]


async def test_a_trial_by_changed_settings_is_for_comparison_only_XD23(world: World) -> None:
    await world.load_e1()
    plain = await world.scoring.start_run(OCT, None, CLERK)
    what_if = await world.scoring.start_run(OCT, None, CLERK, settings={"scoring.slope_mode": "step_floor"})
    assert (what_if["state"], what_if["changed"], find_total(what_if)) == (
        "what_if", {"scoring.slope_mode": "step_floor"}, "96.90",
    )  # fmt: skip
    difference = await world.scoring.runs.compare(what_if["id"], plain["id"], CLERK)
    assert {"key": "scoring.slope_mode", "month": OCT, "old": "proportional", "new": "step_floor"} in difference[
        "rules"
    ]
    assert difference["units"][0]["change"] == "+1.85"
    for work in (
        world.scoring.runs.check(what_if["id"], CLERK), world.scoring.lock_run(what_if["id"], SECOND_CLERK),
        world.scoring.submit_contest(what_if["id"], {"words": "有误", "unit": "U01"}, CLERK),
    ):  # fmt: skip
        with pytest.raises(Refused, match="rules_changed"):
            await work
    with pytest.raises(Refused, match="unknown_run"):
        await world.scoring.view_run(what_if["id"], HANDLER)
    assert [r["state"] for r in await world.scoring.runs.list_runs(OCT, CLERK)] == ["what_if", "trial"]
    assert await world.scoring.runs.list_runs(OCT, HANDLER) == []
    for wrong in ({"scoring.slope_mode": "gently"}, {"scoring.slop": "linear"}):
        with pytest.raises(Refused, match=r"bad_setting|unknown_setting"):
            await world.scoring.start_run(OCT, None, CLERK, settings=wrong)
