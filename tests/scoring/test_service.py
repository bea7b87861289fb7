"""Sheets, ledger lines and runs: E1 ticket by ticket gives 95.05, every act counts, a lock holds (B2, B3)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.domain.records import Unit
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import UnitKind
from backend.scoring.runs import hash_sheet
from tests.scoring.world import (
    AGENT,
    CLERK,
    HANDLER,
    OCT,
    SECOND_CLERK,
    RandomTickets,
    World,
    find_line,
    find_unit,
)
from tests.tickets.world import DISPATCHER, REVIEWER, ZONE


async def test_e1_built_ticket_by_ticket_and_line_by_line_gives_95_05(world: World) -> None:
    await world.load_e1()
    sheet = await world.scoring.compute_sheet(OCT, "U01")
    assert (sheet["total"], sheet["base"], sheet["bonus"]) == ("95.05", "90.15", "4.90")
    counted = {x["item"]: (x["numerator"], x["denominator"]) for x in sheet["lines"] if x["denominator"]}
    assert counted == {"sign": (112, 120), "return": (9, 10), "on_time": (104, 110), "extension": (15, 110),
                       "red_card": (6, 125), "satisfaction": (96, 100)}  # fmt: skip
    failed = [e["ticket"] for e in find_line(sheet, "on_time")["evidence"] if e["failed"]]
    assert len(failed) == 6 and all(no.startswith("E") for no in failed)
    assert sheet["readings"]["scoring.closure_basis"] == "closed"


async def test_a_trial_with_other_settings_changes_that_sheet_only_and_prints_them(world: World) -> None:
    await world.load_e1()
    for changed, total in (
        ({"scoring.slope_mode": "step_floor"}, "96.90"), ({"scoring.slope_mode": "step_ceil"}, "93.90"),
        ({"scoring.extension.slope_mode": "step_floor"}, "95.78"),
    ):  # fmt: skip
        sheet = await world.scoring.compute_sheet(OCT, "U01", settings=changed)
        assert sheet["total"] == total
        assert changed.items() <= sheet["readings"].items()
    assert (await world.scoring.compute_sheet(OCT, "U01"))["total"] == "95.05"
    with pytest.raises(Refused, match="bad_setting"):
        await world.scoring.compute_sheet(OCT, "U01", settings={"scoring.slope_mode": "gently"})
    with pytest.raises(Refused, match="unknown_setting"):
        await world.scoring.compute_sheet(OCT, "U01", settings={"scoring.slop": "1"})


def find_region(result):
    return next(r for r in result["regions"] if r["region"] == "朝阳区")


async def test_a_unit_without_assignments_has_no_score_and_the_region_leaves_it_out(world: World) -> None:
    await world.load_e1()
    month = await world.scoring.compute_month(OCT)
    idle = find_unit(month, "U02")
    assert idle["total"] is None and idle["flags"] == ["no_assignment"]
    assert find_unit(month, "M02")["flags"] == ["no_assignment"]
    institution, region = find_unit(month, "M01"), find_region(month)
    assert institution["scheme"] == "jilin-mgmt"
    assert region["total"] == f"{float(institution['total']) * 0.4 + 95.05 * 0.6:.2f}"
    unit = find_unit(await world.scoring.compute_period("2026Q4"), "U01")
    assert (unit["total"], unit["rank"]) == ("92.53", 1)  # November: what E1 leaves open was in hand, and carded (XD2)
    for aggregation in ("ticket_weighted", "pooled"):
        other = await world.scoring.compute_month(OCT, settings={"region.aggregation": aggregation})
        assert find_region(other)["total"] == region["total"]


async def test_what_had_not_happened_at_the_instant_of_a_sheet_is_not_counted_FS16(world: World) -> None:
    await world.load_e1()
    early = await world.scoring.compute_sheet(OCT, "U01", as_of="2026-10-10T12:00:00+08:00")
    assert find_line(early, "satisfaction")["denominator"] == 0
    assert "nothing_due" in early["flags"]
    assert await world.scoring.compute_sheet(OCT, "U01", as_of="2026-10-10T12:00:00") == early
    for wrong in ("gestern", "2026-10-32", "0001-01-01T00:00:00"):
        with pytest.raises(Refused, match="bad_time"):
            await world.scoring.compute_sheet(OCT, "U01", as_of=wrong)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"month": "2026-13"}, "bad_month"), ({"month": "10月"}, "bad_month"), ({"unit": "U99"}, "unknown_unit"),
        ({"scheme": "jilin-nowhere"}, "unknown_scheme"), ({"scheme": "jilin-mgmt", "unit": "U01"}, "scheme_not_for_unit"),
        ({"scheme": "period"}, "unknown_scheme"),
    ],
)  # fmt: skip
async def test_a_sheet_that_cannot_exist_is_refused_by_code(world: World, call: dict[str, str], code: str) -> None:
    with pytest.raises(Refused, match=code):
        await world.scoring.compute_month(**{"month": OCT, **call})
    with pytest.raises(Refused, match="bad_period"):
        await world.scoring.compute_period("2026Q5")


async def test_a_locked_month_keeps_every_figure_and_what_comes_after_is_a_revision_B3(world: World) -> None:
    await world.load_e1()
    run = await world.scoring.start_run(OCT, None, CLERK)
    assert run["check_until"] == "2026-11-25T17:00:00+08:00"  # check_period, from a Sunday
    with pytest.raises(Refused, match="forbidden"):
        await world.scoring.lock_run(run["id"], HANDLER)
    locked = await world.lock(run["id"])
    assert locked["state"] == "locked" and locked["hash"] == run["hash"] and run["revision_of"] is None
    with pytest.raises(Refused, match="month_locked"):
        await world.add_ledger([{"kind": "exposure"}])
    await world.add_ledger([{"kind": "exposure", "reason": "定稿后收到通报"}])
    shown = await world.scoring.get_scores(month=OCT, scheme=None, unit="U01", actor=CLERK)
    assert (shown["state"], shown["units"][0]["total"]) == ("locked", "95.05")
    assert (await world.scoring.compute_sheet(OCT, "U01"))["total"] == "92.55"
    assert await world.scoring.runs.verify(run["id"])
    kept = await world.scoring.runs.get(run["id"])
    assert hash_sheet(kept.sheet) == locked["hash"]
    with pytest.raises(Refused, match="locked"):
        await world.scoring.lock_run(run["id"], SECOND_CLERK)
    again = await world.scoring.start_run(OCT, None, CLERK)
    assert again["revision_of"] == run["id"]
    await world.lock(again["id"])
    shown = await world.scoring.get_scores(month=OCT, scheme=None, unit=None, actor=CLERK)
    assert next(u["total"] for u in shown["units"] if u["unit"] == "U01") == "92.55"


async def test_a_month_is_checked_once_it_has_ended_and_calculated_once_it_has_begun(world: World) -> None:
    world.at = datetime(2026, 11, 10, 9, tzinfo=ZONE)
    run = await world.scoring.start_run("2026-11", None, CLERK)
    with pytest.raises(Refused, match="period_running"):
        await world.scoring.runs.check(run["id"], CLERK)
    for period in ("2026-12", "2027Q1", "2027"):
        with pytest.raises(Refused, match="period_future"):
            await world.scoring.start_run(period, None, CLERK)
    world.at = datetime(2026, 12, 1, 9, tzinfo=ZONE)
    with pytest.raises(Refused, match="period_running"):  # its figures are of a month that went on
        await world.scoring.runs.check(run["id"], CLERK)
    again = await world.scoring.start_run("2026-11", None, CLERK)
    assert (await world.scoring.runs.check(again["id"], CLERK))["told"] >= 0


async def test_a_month_is_not_locked_before_its_settlement_day_Q15(world: World) -> None:
    await world.load_e1()
    run = await world.scoring.start_run("2026-11", None, CLERK)
    with pytest.raises(Refused, match="not_settled") as refusal:
        await world.scoring.lock_run(run["id"], CLERK)
    assert refusal.value.facts["date"] == "2026-12-07"
    with pytest.raises(Refused, match="unknown_run"):
        await world.scoring.lock_run(5, CLERK)


async def test_a_unit_sees_its_own_sheet_only_and_may_contest_it_while_that_is_allowed(world: World) -> None:
    await world.load_e1()
    shown = await world.scoring.get_scores(month=OCT, scheme=None, unit=None, actor=HANDLER)
    assert [u["unit"] for u in shown["units"]] == ["U01"] and not shown["regions"]
    with pytest.raises(Refused, match="forbidden"):
        await world.scoring.get_scores(month=OCT, scheme=None, unit="U02", actor=HANDLER)
    run = await world.scoring.start_run(OCT, None, CLERK)
    contest = await world.scoring.submit_contest(run["id"], {"words": "E30 系退单", "item": "sign"}, HANDLER)
    assert contest["unit"] == "U01"
    assert [a.reason for a in await world.store.list_contests(OCT, None, (), 10)] == ["E30 系退单"]
    with pytest.raises(Refused, match="text_missing"):
        await world.scoring.submit_contest(run["id"], {"words": " "}, HANDLER)
    with pytest.raises(Refused, match="contests_open"):
        await world.lock(run["id"])
    await world.scoring.contests.propose(contest["id"], {"accept": False, "reason": "已核，按时限"}, CLERK)
    with pytest.raises(Refused, match="same_person"):
        await world.scoring.contests.confirm(contest["id"], True, CLERK)
    assert (await world.scoring.contests.confirm(contest["id"], True, SECOND_CLERK))["state"] == "refused"
    await world.scoring.lock_run(run["id"], SECOND_CLERK)
    await world.scoring.submit_contest(run["id"], {"words": "再核"}, HANDLER)
    world.at += timedelta(days=8)
    with pytest.raises(Refused, match="too_late"):
        await world.scoring.submit_contest(run["id"], {"words": "再核"}, HANDLER)


async def test_an_item_without_data_may_carry_its_last_score_Q9(world: World) -> None:
    september, october = datetime(2026, 9, 7, 9, tzinfo=ZONE), datetime(2026, 10, 12, 9, tzinfo=ZONE).isoformat()
    late = {"unit": "U01", "dispatched_at": september.isoformat(),
            "signed_at": (september + timedelta(hours=1)).isoformat(),
            "closed_at": (september + timedelta(days=20)).isoformat()}  # fmt: skip
    base = {"category": "help", "grade": "general", "region": "朝阳区", "generated_at": september.isoformat()}
    await world.import_history([
        {**base, "ticket_no": "A", "assignments": [late]},
        {**base, "ticket_no": "B", "generated_at": october, "assignments": [{"unit": "U01", "dispatched_at": october}]},
    ])  # fmt: skip
    carried = await world.scoring.compute_sheet(OCT, "U01", settings={"scoring.zero_denominator": "carry_last"})
    assert find_line(carried, "on_time")["score"] == "0.00"
    assert find_line(await world.scoring.compute_sheet(OCT, "U01"), "on_time")["score"] == "20.00"


async def test_runs_of_the_same_figures_at_another_hour_have_the_same_figures_hash_XD13(world: World) -> None:
    await world.load_e1()
    runs = []
    for _ in range(2):
        runs.append(await world.scoring.start_run(OCT, None, CLERK))
        world.at += timedelta(minutes=3)
    await world.add_ledger([{"kind": "exposure"}])
    runs.append(await world.scoring.start_run(OCT, None, CLERK))
    assert len({run["hash"] for run in runs}) == 3
    assert runs[0]["figures_hash"] == runs[1]["figures_hash"] != runs[2]["figures_hash"]
    assert {len(unit["figures_hash"]) for unit in runs[0]["units"]} == {64}
    assert (await world.scoring.runs.inspect(runs[0]["id"], CLERK))["figures_hash"] == runs[0]["figures_hash"]


@pytest.mark.parametrize("span", ["2026Q4", "2026"])
async def test_a_longer_span_without_totals_adds_up_its_months_XD16(world: World, span: str) -> None:
    """Three rates have no mean: a quarter's and a year's are those of all its cases together (A26)."""
    await world.import_history(RandomTickets(11).make(200))
    asked = {"settings": {"profile": "beijing_mutual_aid"}, "unit": "U01"}
    months = [
        (await world.scoring.compute_month(month, **asked))["units"][0]
        for month in (("2026-10", "2026-11") if span == "2026Q4" else [f"2026-{n:02d}" for n in range(1, 12)])
    ]
    whole = (await world.scoring.compute_period(span, **asked))["units"][0]
    assert (whole["of"], whole["rank"]) == ("beijing-agency", None)
    for item in ("response", "closure", "satisfaction"):
        counts = [(find_line(m, item)["numerator"], find_line(m, item)["denominator"]) for m in months]
        total = find_line(whole, item)
        assert (total["numerator"], total["denominator"]) == tuple(map(sum, zip(*counts, strict=True)))
        assert total["denominator"] > 0


@pytest.mark.proves("region.scheme")
async def test_an_office_may_score_no_regions_B10(world: World) -> None:
    found = await world.scoring.compute_month(OCT, settings={"region.scheme": "none"})
    assert found["units"] and found["regions"] == []


async def test_the_beijing_profile_prints_three_rates_and_no_total(world: World) -> None:
    await world.import_history(RandomTickets(11).make(200))
    found = await world.scoring.compute_month(OCT, settings={"profile": "beijing_mutual_aid"})
    assert {u["scheme"] for u in found["units"]} == {"beijing-agency"} and found["regions"] == []
    assert all(u["total"] is None for u in found["units"])
    assert {x["item"] for x in found["units"][0]["lines"]} == {"response", "closure", "satisfaction"}


async def test_every_act_on_a_ticket_counts_as_soon_as_it_took_effect(world: World) -> None:
    world.at = datetime(2026, 11, 10, 9, tzinfo=ZONE)
    for no in ("L1", "L2", "L3"):
        await world.add_ticket(no)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
    world.at += timedelta(hours=1)
    await world.act("sign", HANDLER, "L1")
    await world.act("sign", HANDLER, "L2")
    await world.act("return", HANDLER, "L2", reason="不属于本单位", files=["f1"], signed_by="seal")
    await world.act("decide_return", REVIEWER, "L2", accept=True)
    await world.act("close", HANDLER, "L1", text="已修复", way="phone", no_objection=True)
    world.at += timedelta(days=1)
    for kind in ("auto", "manual"):
        await world.act("visit", AGENT, "L1", kind=kind, answer="unsatisfied", note="仍不亮")
    sheet = await world.scoring.compute_sheet("2026-11", "U01")
    counted = {x["item"]: (x["numerator"], x["denominator"]) for x in sheet["lines"][:6]}
    assert counted == {"sign": (2, 2), "return": (1, 1), "on_time": (1, 1), "extension": (0, 1),
                       "red_card": (0, 2), "satisfaction": (0, 1)}  # fmt: skip
    assert find_line(sheet, "satisfaction")["evidence"] == [{"ticket": "L1", "failed": True}]
    found = find_line(await world.scoring.compute_sheet("2026-11", "M01"), "dispatch")
    assert (found["numerator"], found["denominator"]) == (3, 3)


async def test_a_visit_that_reached_nobody_decides_nothing_before_all_attempts_are_used_Q36(
    world: World,
) -> None:
    world.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    await world.add_ticket("L1")
    await world.act("dispatch", DISPATCHER, "L1", unit="U01")
    await world.act("sign", HANDLER, "L1")
    await world.act("close", HANDLER, "L1", text="已修复", way="phone", no_objection=True)
    await world.act("visit", AGENT, "L1", kind="auto", answer="unsatisfied")
    for hours, satisfied in ((1, 0), (8, 0), (24, 1)):
        world.at += timedelta(hours=hours)
        await world.act("visit", AGENT, "L1", kind="manual", answer="unreached")
        found = find_line(await world.scoring.compute_sheet("2026-11", "U01"), "satisfaction")
        assert (found["numerator"], found["denominator"]) == (satisfied, 1)


async def test_an_imported_ticket_that_is_open_is_worked_on_like_any_other(world: World) -> None:
    world.at = datetime(2026, 11, 10, 9, tzinfo=ZONE)
    sent = (world.at - timedelta(hours=1)).isoformat()
    await world.import_history([{
        "ticket_no": "H1", "category": "help", "grade": "general", "region": "朝阳区", "generated_at": sent,
        "requester": {"name": "王某", "phone": "13800001234"}, "text": "路灯不亮",
        "assignments": [{"unit": "U01", "dispatched_at": sent}],
    }])  # fmt: skip
    await world.act("sign", HANDLER, "H1")
    await world.act("close", HANDLER, "H1", text="已修复", way="phone", no_objection=True)
    sheet = await world.scoring.compute_sheet("2026-11", "U01")
    assert [(x["numerator"], x["denominator"]) for x in sheet["lines"][:6]] == [
        (1, 1),
        (0, 0),
        (1, 1),
        (0, 1),
        (0, 1),
        (1, 1),
    ]


async def test_every_time_of_ledgers_runs_and_contests_carries_the_offset_of_the_office(world: World) -> None:
    await world.load_e1()
    lines, _ = await world.scoring.ledgers.list_lines(CLERK, month=OCT)
    run = await world.scoring.start_run(OCT, None, CLERK)
    await world.scoring.runs.check(run["id"], CLERK)
    contest = await world.scoring.submit_contest(run["id"], {"unit": "U01", "words": "数据有误"}, CLERK)
    shown = await world.scoring.runs.inspect(run["id"], CLERK)
    listed = await world.scoring.runs.list_runs(OCT)
    kept = await world.scoring.contests.list_contests(CLERK, period=OCT)
    times = [entry[name] for entry in lines for name in ("entered_at", "reviewed_at")]
    times += [shown["at"], shown["check_until"], listed[0]["at"], listed[0]["check_until"]]
    times += [contest["at"], kept[0]["at"]]
    assert len(times) > 6 and {at[-6:] for at in times} == {"+08:00"}, times


async def test_a_region_with_two_institutions_is_scored_by_the_upper_one_B10_XM1(world: World) -> None:
    await world.load_e1()
    before = find_region(await world.scoring.compute_month(OCT))
    branch = Unit("A00", "朝阳区分中心", UnitKind.MANAGEMENT, "朝阳区", "M01")
    await world.config.save_units([branch], "admin", world.at)
    await world.office.snapshot(fresh=True)
    assert find_region(await world.scoring.compute_month(OCT)) == before
    await world.config.save_units(
        [replace(branch, parent=None)], "admin", world.at
    )  # two of them, and nothing says which
    await world.office.snapshot(fresh=True)
    assert find_region(await world.scoring.compute_month(OCT))["total"] is None
