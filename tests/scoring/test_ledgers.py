"""Ledger lines, corrections, registers, drafts, and the rules of a settled month (Q47, B3, B4, B18-B28, B45-B57)."""

import json
from datetime import datetime, timedelta

import pytest

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from tests.scoring.world import (
    AGENT,
    CARRIED,
    CLERK,
    HANDLER,
    LIAISON,
    NOV,
    OCT,
    SECOND_CLERK,
    RandomTickets,
    World,
    find_line,
)
from tests.tickets.world import DISPATCHER, SUPERVISOR, ZONE


async def list_drafts(world: World, month: str = NOV) -> list[tuple[str, str, int]]:
    """Return kind, unit and count of each draft."""
    found, _ = await world.scoring.ledgers.list_lines(CLERK, month=month, state="draft")
    return sorted((row["kind"], row["unit"], row["count"]) for row in found)


async def test_a_ledger_line_counts_only_after_a_second_person_has_accepted_it(world: World) -> None:
    await world.import_history(RandomTickets(9).make(60))

    async def praise() -> str:
        return str(find_line(await world.scoring.compute_sheet(OCT, "U01"), "praise")["score"])

    entered = await world.scoring.enter_ledger({"kind": "praise", "unit": "U01", "month": OCT, "note": "锦旗"}, CLERK)
    assert entered["state"] == "entered" and await praise() == "0.00"
    with pytest.raises(Refused, match="same_person"):
        await world.scoring.review_ledger(entered["id"], True, CLERK)
    with pytest.raises(Refused, match="forbidden"):
        await world.scoring.review_ledger(entered["id"], True, HANDLER)
    assert (await world.scoring.review_ledger(entered["id"], True, SECOND_CLERK))["state"] == "accepted"
    assert await praise() == "0.50"
    with pytest.raises(Refused, match="nothing_pending"):
        await world.scoring.review_ledger(entered["id"], False, SECOND_CLERK)
    with pytest.raises(Refused, match="unknown_entry"):
        await world.scoring.review_ledger(77, True, CLERK)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"kind": "prayse"}, "unknown_kind"), ({"kind": "praise", "month": "2026-1"}, "bad_month"),
        ({"kind": "praise", "unit": "U77"}, "unknown_unit"), ({"kind": "praise", "count": -1}, "negative"),
        ({"kind": "honour"}, "level_missing"), ({"kind": "task", "points": "9"}, "out_of_range"),
        ({"kind": "post_missing"}, "unknown_kind"), ({"kind": "praise", "oops": 1}, "unknown_field"),
        ({"kind": "praise", "note": 5}, "bad_field"), ({"kind": "connect", "unit": "M01", "timely": 3, "total": 2},
                                                        "numerator_over_denominator"),
    ],
)  # fmt: skip
async def test_a_bad_ledger_line_is_refused_by_code(world: World, row: dict[str, object], code: str) -> None:
    with pytest.raises(Refused, match=code):
        await world.scoring.enter_ledger({"unit": "U01", "month": OCT, **CARRIED, **row}, CLERK)


async def test_a_later_and_higher_honour_of_a_matter_adds_only_the_difference_Q47(world: World) -> None:
    rows = [{"kind": "honour", "unit": "U01", "month": "2026-09", "matter": "m", "level": "city"},
            {"kind": "honour", "unit": "U01", "month": OCT, "matter": "m", "level": "province"}]  # fmt: skip
    await world.add_ledger(rows)
    assert find_line(await world.scoring.compute_sheet(OCT, "U01"), "honour")["score"] == "0.50"


async def test_the_connect_rate_comes_from_the_ledger(world: World) -> None:
    await world.add_ledger([{"kind": "connect", "unit": "M01", "timely": 90, "total": 100}])
    found = find_line(await world.scoring.compute_sheet(OCT, "M01"), "connect")
    assert (found["numerator"], found["denominator"], found["deduction"]) == (90, 100, "2.50")


async def test_a_document_counts_in_its_own_month_until_that_is_locked_and_then_in_the_present_one_Q47(
    world: World,
) -> None:
    await world.load_e1()
    honour = {**CARRIED, "kind": "honour", "matter": "m", "unit": "U01", "level": "city", "document_date": "2026-10-20"}
    assert (await world.scoring.enter_ledger(honour, CLERK))["month"] == OCT
    run = await world.scoring.start_run(OCT, None, CLERK)
    await world.lock(run["id"])
    assert (await world.scoring.enter_ledger(honour, CLERK))["month"] == NOV
    for wrong, code in (({"month": "2026-08"}, "document_month"), ({"document_date": "2026-12-24"}, "document_in_future"),
                        ({"document_date": "gestern"}, "bad_field")):  # fmt: skip
        with pytest.raises(Refused, match=code):
            await world.scoring.enter_ledger({**honour, **wrong}, CLERK)


async def test_a_correction_is_a_new_line_that_voids_the_old_one_when_a_second_person_accepts_it(world: World) -> None:
    await world.load_e1()
    old = (await world.scoring.ledgers.list_lines(CLERK, kind="praise"))[0][0]
    ledgers = world.scoring.ledgers
    with pytest.raises(Refused, match="reason_missing"):
        await ledgers.correct(old["id"], {"count": 1}, CLERK)
    correction = await ledgers.correct(old["id"], {"count": 1, "reason": "多记两次"}, CLERK)
    assert (correction["replaces"], correction["reason"]) == (old["id"], "多记两次")
    with pytest.raises(Refused, match="correction_waits"):
        await ledgers.correct(old["id"], {"count": 2, "reason": "再改"}, CLERK)
    assert find_line(await world.scoring.compute_sheet(OCT, "U01"), "praise")["score"] == "1.50"
    await world.scoring.review_ledger(correction["id"], True, SECOND_CLERK)
    assert find_line(await world.scoring.compute_sheet(OCT, "U01"), "praise")["score"] == "0.50"
    voiding = await ledgers.correct(correction["id"], {"void": True, "reason": "查无此事"}, CLERK)
    await world.scoring.review_ledger(voiding["id"], True, SECOND_CLERK)
    assert find_line(await world.scoring.compute_sheet(OCT, "U01"), "praise")["score"] == "0.00"
    states = [row["state"] for row in (await ledgers.list_lines(CLERK, kind="praise"))[0]]
    assert states == ["accepted", "void", "void"]
    with pytest.raises(Refused, match="nothing_to_void"):
        await ledgers.correct(old["id"], {"count": 1, "reason": "x"}, CLERK)


async def test_a_draft_of_the_system_is_kept_once_and_counts_after_one_person_accepted_it(world: World) -> None:
    await world.load_e1()
    for is_new in (True, False):
        kept = await world.scoring.draft("unreachable_event", "U01", OCT, source="call:7", note="三次未接通")
        assert kept is is_new
    assert not await world.scoring.draft("post_missing", "U01", OCT, source="call:8")  # not a kind of that unit
    assert find_line(await world.scoring.compute_sheet(OCT, "U01"), "organisation_reach")["deduction"] == "0.00"
    (draft,) = (await world.scoring.ledgers.list_lines(CLERK, state="draft"))[0]
    assert draft["entered_by"] == "system"
    await world.scoring.review_ledger(draft["id"], True, CLERK)
    assert find_line(await world.scoring.compute_sheet(OCT, "U01"), "organisation_reach")["deduction"] == "1.00"
    assert not await world.scoring.draft("unreachable_event", "U01", OCT, source="call:7", count=5)


async def test_what_registers_lack_becomes_a_draft_B18_B19_B20_B45_B47(world: World) -> None:
    add = world.scoring.registers.add
    await add("post", {"unit": "M01", "name": "电话接听", "on_date": "2026-01-01"}, CLERK)
    await add("rule", {"unit": "M01", "name": "现场工作规范", "on_date": "2026-01-01"}, CLERK)
    await add("roster", {"unit": "M01", "name": "十一月", "on_date": "2026-11-01", "judgement": "unreasonable"}, CLERK)
    await add("contact", {"name": "周某", "role": "leader", "on_date": "2026-10-08"}, LIAISON)
    await add("contact", {"name": "赵某", "role": "liaison", "on_date": "2026-11-18"}, LIAISON)
    for unit, attended in (("U01", "no"), ("U02", "excused")):
        await add("occasion", {"unit": unit, "name": "例会", "on_date": "2026-11-03", "what": "meeting", "came": attended,
                                "excuse": "" if attended == "no" else "防汛"}, CLERK)  # fmt: skip
    assert await world.scoring.ledger_drafts.run_once() > 0
    assert await list_drafts(world) == [
        ("absence", "U01", 1), ("contact_unreported", "U01", 1), ("post_missing", "M01", 5), ("roster", "M01", 1),
        ("rule_missing", "M01", 3),
    ]  # fmt: skip
    assert await world.scoring.ledger_drafts.draft_month(NOV) == 0
    await add("post", {"unit": "M01", "name": "质检", "on_date": "2026-01-01"}, CLERK)
    await world.scoring.ledger_drafts.draft_month(NOV)
    assert ("post_missing", "M01", 4) in await list_drafts(world)
    with pytest.raises(Refused, match="forbidden"):
        await add("post", {"unit": "U01", "name": "质检"}, LIAISON)
    with pytest.raises(Refused, match="unknown_register"):
        await add("poem", {"unit": "U01", "name": "质检"}, CLERK)


async def test_the_limit_for_reporting_a_contact_is_a_setting(world: World) -> None:
    await world.change_setting("contact.report_within", "40wd")
    await world.scoring.registers.add("contact", {"name": "周某", "role": "leader", "on_date": "2026-10-08"}, LIAISON)
    await world.scoring.ledger_drafts.draft_month(NOV)
    assert await list_drafts(world) == []


async def test_praise_supervision_and_coordination_become_drafts_B24_B27_B57(world: World) -> None:
    world.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    for no in ("L1", "L2"):
        await world.add_ticket(no)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
        await world.act("sign", HANDLER, no)
    await world.act("flag", HANDLER, "L1", hard_case=True, reason="多部门")
    await world.act("supervise", SUPERVISOR, "L2", reason="久拖", due_at=(world.at + timedelta(days=1)).isoformat())
    await world.act("close", HANDLER, "L1", text="已修复", way="phone", no_objection=True)
    await world.act("visit", AGENT, "L1", kind="manual", answer="satisfied", note="特意夸奖了工作人员")
    world.at += timedelta(days=3)
    await world.scoring.ledger_drafts.draft_month(NOV)
    found = await list_drafts(world)
    assert ("supervision_failed", "U01", 1) in found and ("coordinated", "M01", 1) in found
    assert not [row for row in found if row[0] == "praise"]
    await world.change_setting("scoring.praise_words", "表扬,夸奖")
    await world.scoring.ledger_drafts.draft_month(NOV)
    assert ("praise", "U01", 1) in await list_drafts(world)


async def test_knowledge_is_reviewed_by_another_person_and_counts_for_unit_and_institution_B28_B54(
    world: World,
) -> None:
    knowledge = world.scoring.knowledge
    made = await knowledge.write({"title": "路灯报修", "body": "请拨打……"}, LIAISON)
    assert (made["change"], made["state"]) == ("new", "entered")
    reviewed = await knowledge.review(made["id"], True, "", CLERK)
    update = await knowledge.write({"title": "路灯报修", "body": "请拨打 12345", "replaces": made["id"]}, LIAISON)
    assert reviewed["state"] == "accepted" and update["change"] == "updated"
    own = await knowledge.write({"title": "值班", "body": "……"}, CLERK)
    with pytest.raises(Refused, match="same_person"):
        await knowledge.review(own["id"], True, "", CLERK)
    await knowledge.review(update["id"], False, "号码有误", CLERK)
    await world.scoring.ledger_drafts.draft_month(NOV)
    assert await list_drafts(world) == [("knowledge", "M01", 2), ("knowledge", "U01", 1)]
    others, _ = await knowledge.list_entries(Actor("HU02", Role.HANDLER, "U02"))
    assert [k["id"] for k in others] == [made["id"]]


async def test_a_settled_month_keeps_the_settings_of_its_settlement_and_a_locked_run_does_not_change_B3(
    world: World,
) -> None:
    await world.load_e1()
    run = await world.scoring.start_run(OCT, None, CLERK)
    await world.lock(run["id"])
    world.at = datetime(2026, 12, 1, 9, tzinfo=ZONE)
    await world.change_setting("scoring.slope_mode", "step_ceil")
    await world.add_ledger([{"kind": "exposure", "reason": "迟到的通报"}])
    shown = await world.scoring.get_scores(month=OCT, scheme=None, unit="U01", actor=CLERK)
    assert shown["units"][0]["total"] == "95.05" and await world.scoring.runs.verify(run["id"])
    # October was settled before the first ticket was kept here, so it is scored by the rules of now
    assert (await world.scoring.compute_sheet(OCT, "U01"))["readings"]["scoring.slope_mode"] == "step_ceil"
    november = await world.scoring.compute_month(NOV)
    assert "rules_as_of" not in november
    world.at = datetime(2026, 12, 21, 9, tzinfo=ZONE)
    await world.change_setting("scoring.slope_mode", "step_floor")
    november = await world.scoring.compute_month(NOV)
    assert november["rules_as_of"].startswith("2026-12-07")
    assert november["units"][0]["readings"]["scoring.slope_mode"] == "step_ceil"


async def test_a_what_if_is_computed_like_the_sheet_and_changes_nothing(world: World) -> None:
    await world.load_e1()
    explainer = world.scoring.explainer
    waiting = await world.scoring.enter_ledger({**CARRIED, "kind": "exposure", "unit": "U01", "month": OCT}, CLERK)
    found = await explainer.compute_what_if(OCT, "U01", CLERK, settings={"scoring.slope_mode": "step_floor"})
    assert (found["real"]["total"], found["changed"]["total"], found["difference"]["change"]) == (
        "95.05",
        "96.90",
        "+1.85",
    )
    found = await explainer.compute_what_if(OCT, "U01", CLERK, ledger=[waiting["id"]])
    assert found["changed"]["total"] == "92.55" and (await world.scoring.compute_sheet(OCT, "U01"))["total"] == "95.05"
    with pytest.raises(Refused, match="unknown_entry"):
        await explainer.compute_what_if(OCT, "U01", CLERK, ledger=[1])
    with pytest.raises(Refused, match="forbidden"):
        await explainer.explain(OCT, "U02", None, LIAISON)
    why = await explainer.explain(OCT, "U01", "sign", LIAISON, failed=True)
    assert why["of"] == 8 and {w["failed"] for w in why["tickets"]} == {True}
    trend = await explainer.compute_trend("U01", 2, OCT, CLERK)
    assert trend["months"] == ["2026-09", OCT] and trend["totals"][1] == "95.05"
    assert len(json.dumps(trend)) < 20_000


async def test_what_a_delay_would_cost_is_the_difference_of_two_sheets(world: World) -> None:
    world.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    for no in ("L1", "L2"):
        await world.add_ticket(no)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
    await world.act("sign", HANDLER, "L2")
    costs = []
    for no in ("L1", "L2"):
        lead = (await world.load(no)).lead
        assert lead is not None
        costs.append(await world.scoring.explainer.compute_delay_cost(lead, frozenset()))
    assert {x["item"] for x in costs[0]["items"]} == {"sign", "on_time", "red_card"}
    assert {x["item"] for x in costs[1]["items"]} == {"on_time", "red_card"}
    assert float(costs[0]["cost"]) > float(costs[1]["cost"]) > 0
