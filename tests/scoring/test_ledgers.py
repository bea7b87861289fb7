"""Ledgers, registers, drafts and the rules of a settled month (Q47, B4, B18-B28, B45-B57, B3)."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.ports.config import SettingVersion
from backend.ports.moves import TicketRef
from storage.engine.database import Database
from tests.scoring.test_service import E1_LEDGER, e1, line, live
from tests.scoring.world import CLERK, PAPERS, SECOND_CLERK, ZONE, World

OCT, NOV = "2026-10", "2026-11"
LIAISON = Actor("LU01", Role.LIAISON, "U01")
DISPATCHER, AGENT = Actor("D1", Role.DISPATCHER, "M01"), Actor("V1", Role.REVISIT_AGENT, "M01")
SUPERVISOR, HANDLER = Actor("S1", Role.SUPERVISOR, "M01"), Actor("HU01", Role.HANDLER, "U01")


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).open()


async def drafts(world: World, month: str = NOV) -> list[tuple[str, str, int]]:
    found, _ = await world.marks.ledgers.list_lines(CLERK, month=month, state="draft")
    return sorted((row["kind"], row["unit"], row["count"]) for row in found)


async def test_a_document_counts_in_its_own_month_while_that_is_open_else_in_the_present_one_Q47(world: World) -> None:
    await e1(world)
    honour = {**PAPERS, "kind": "honour", "matter": "m", "unit": "U01", "level": "city", "document_date": "2026-10-20"}
    assert (await world.marks.enter_ledger(honour, CLERK))["month"] == OCT
    run = await world.marks.start_run(OCT, None, CLERK)
    await world.lock(run["id"])
    assert (await world.marks.enter_ledger(honour, CLERK))["month"] == NOV
    for wrong, code in (({"month": "2026-08"}, "document_month"), ({"document_date": "2026-12-24"}, "document_in_future"),
                        ({"document_date": "gestern"}, "bad_field")):  # fmt: skip
        with pytest.raises(Refused, match=code):
            await world.marks.enter_ledger({**honour, **wrong}, CLERK)


async def test_a_correction_is_a_new_line_that_voids_the_old_one_when_a_second_person_accepts_it(world: World) -> None:
    await e1(world)
    old = (await world.marks.ledgers.list_lines(CLERK, kind="praise"))[0][0]
    ledgers = world.marks.ledgers
    with pytest.raises(Refused, match="reason_missing"):
        await ledgers.correct(old["id"], {"count": 1}, CLERK)
    new = await ledgers.correct(old["id"], {"count": 1, "reason": "多记两次"}, CLERK)
    assert (new["replaces"], new["reason"]) == (old["id"], "多记两次")
    with pytest.raises(Refused, match="correction_waits"):
        await ledgers.correct(old["id"], {"count": 2, "reason": "再改"}, CLERK)
    assert line(await world.marks.compute_sheet(OCT, "U01"), "praise")["score"] == "1.50"
    await world.marks.review_ledger(new["id"], True, SECOND_CLERK)
    assert line(await world.marks.compute_sheet(OCT, "U01"), "praise")["score"] == "0.50"
    gone = await ledgers.correct(new["id"], {"void": True, "reason": "查无此事"}, CLERK)
    await world.marks.review_ledger(gone["id"], True, SECOND_CLERK)
    assert line(await world.marks.compute_sheet(OCT, "U01"), "praise")["score"] == "0.00"
    states = [row["state"] for row in (await ledgers.list_lines(CLERK, kind="praise"))[0]]
    assert states == ["accepted", "void", "void"]
    with pytest.raises(Refused, match="nothing_to_void"):
        await ledgers.correct(old["id"], {"count": 1, "reason": "x"}, CLERK)


async def test_a_draft_of_the_house_is_kept_once_and_counts_after_one_person(world: World) -> None:
    await e1(world)
    for n in (True, False):
        assert await world.marks.draft("unreachable_event", "U01", OCT, source="call:7", note="三次未接通") is n
    assert not await world.marks.draft("post_missing", "U01", OCT, source="call:8")  # not a kind of that unit
    assert line(await world.marks.compute_sheet(OCT, "U01"), "organisation_reach")["deduction"] == "0.00"
    (one,) = (await world.marks.ledgers.list_lines(CLERK, state="draft"))[0]
    assert one["entered_by"] == "system"
    await world.marks.review_ledger(one["id"], True, CLERK)
    assert line(await world.marks.compute_sheet(OCT, "U01"), "organisation_reach")["deduction"] == "1.00"
    assert not await world.marks.draft("unreachable_event", "U01", OCT, source="call:7", count=5)


async def test_registers_become_drafts_B18_B19_B20_B45_B47(world: World) -> None:
    keep = world.marks.registers.add
    await keep("post", {"unit": "M01", "name": "电话接听", "on_date": "2026-01-01"}, CLERK)
    await keep("rule", {"unit": "M01", "name": "现场工作规范", "on_date": "2026-01-01"}, CLERK)
    await keep("roster", {"unit": "M01", "name": "十一月", "on_date": "2026-11-01", "judgement": "unreasonable"}, CLERK)
    await keep("contact", {"name": "周某", "role": "leader", "on_date": "2026-10-08"}, LIAISON)
    await keep("contact", {"name": "赵某", "role": "liaison", "on_date": "2026-11-18"}, LIAISON)
    for unit, came in (("U01", "no"), ("U02", "excused")):
        await keep("occasion", {"unit": unit, "name": "例会", "on_date": "2026-11-03", "what": "meeting", "came": came,
                                "excuse": "" if came == "no" else "防汛"}, CLERK)  # fmt: skip
    assert await world.marks.ledger_drafts.run_once() > 0
    assert await drafts(world) == [
        ("absence", "U01", 1), ("contact_unreported", "U01", 1), ("post_missing", "M01", 5), ("roster", "M01", 1),
        ("rule_missing", "M01", 3),
    ]  # fmt: skip
    assert await world.marks.ledger_drafts.draft_month(NOV) == 0
    await keep("post", {"unit": "M01", "name": "质检", "on_date": "2026-01-01"}, CLERK)
    await world.marks.ledger_drafts.draft_month(NOV)
    assert ("post_missing", "M01", 4) in await drafts(world)
    with pytest.raises(Refused, match="forbidden"):
        await keep("post", {"unit": "U01", "name": "质检"}, LIAISON)
    with pytest.raises(Refused, match="unknown_register"):
        await keep("poem", {"unit": "U01", "name": "质检"}, CLERK)


async def test_the_limit_for_reporting_a_contact_is_a_setting(world: World) -> None:
    await set_value(world, "contact.report_within", "40wd")
    await world.marks.registers.add("contact", {"name": "周某", "role": "leader", "on_date": "2026-10-08"}, LIAISON)
    await world.marks.ledger_drafts.draft_month(NOV)
    assert await drafts(world) == []


async def set_value(world: World, key: str, value: str) -> None:
    now = world.office.clock.now()
    await world.config.add_version(SettingVersion(key, None, value, now, "A1", now))
    world.office.invalidate()


async def test_praise_supervision_and_coordination_become_drafts_B24_B27_B57(world: World) -> None:
    world.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    for no in ("L1", "L2"):
        await live(world, no)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
        await world.act("sign", HANDLER, no)
    await world.act("flag", HANDLER, "L1", hard_case=True, reason="多部门")
    await world.act("supervise", SUPERVISOR, "L2", reason="久拖", due_at=(world.at + timedelta(days=1)).isoformat())
    await world.act("close", HANDLER, "L1", text="已修复", way="phone", no_objection=True)
    await world.act("visit", AGENT, "L1", kind="manual", answer="satisfied", note="特意夸奖了工作人员")
    world.at += timedelta(days=3)
    await world.marks.ledger_drafts.draft_month(NOV)
    found = await drafts(world)
    assert ("supervision_failed", "U01", 1) in found and ("coordinated", "M01", 1) in found
    assert not [row for row in found if row[0] == "praise"]
    await set_value(world, "scoring.praise_words", "表扬,夸奖")
    await world.marks.ledger_drafts.draft_month(NOV)
    assert ("praise", "U01", 1) in await drafts(world)


async def test_knowledge_is_reviewed_by_another_person_and_counted_for_both_sides_B28_B54(world: World) -> None:
    room = world.marks.knowledge
    made = await room.write({"title": "路灯报修", "body": "请拨打……"}, LIAISON)
    assert (made["change"], made["state"]) == ("new", "entered")
    reviewed = await room.review(made["id"], True, "", CLERK)
    update = await room.write({"title": "路灯报修", "body": "请拨打 12345", "replaces": made["id"]}, LIAISON)
    assert reviewed["state"] == "accepted" and update["change"] == "updated"
    own = await room.write({"title": "值班", "body": "……"}, CLERK)
    with pytest.raises(Refused, match="same_person"):
        await room.review(own["id"], True, "", CLERK)
    await room.review(update["id"], False, "号码有误", CLERK)
    await world.marks.ledger_drafts.draft_month(NOV)
    assert await drafts(world) == [("knowledge", "M01", 2), ("knowledge", "U01", 1)]
    others, _ = await room.list_entries(Actor("HU02", Role.HANDLER, "U02"))
    assert [k["id"] for k in others] == [made["id"]]


async def test_a_settled_month_keeps_the_settings_of_its_settlement_and_a_lock_stays_what_it_was_B3(
    world: World,
) -> None:
    await e1(world)
    run = await world.marks.start_run(OCT, None, CLERK)
    await world.lock(run["id"])
    world.at = datetime(2026, 12, 1, 9, tzinfo=ZONE)
    await set_value(world, "scoring.slope_mode", "step_ceil")
    await world.ledger([{"kind": "exposure", "reason": "迟到的通报"}])
    shown = await world.marks.get_scores(month=OCT, scheme=None, unit="U01", actor=CLERK)
    assert shown["units"][0]["total"] == "95.05" and await world.marks.runs.verify(run["id"])
    #: October was settled before this house kept its first record, so it is read by the rules of now
    assert (await world.marks.compute_sheet(OCT, "U01"))["readings"]["scoring.slope_mode"] == "step_ceil"
    november = await world.marks.compute_month(NOV)
    assert "rules_as_of" not in november
    world.at = datetime(2026, 12, 21, 9, tzinfo=ZONE)
    await set_value(world, "scoring.slope_mode", "step_floor")
    november = await world.marks.compute_month(NOV)
    assert november["rules_as_of"].startswith("2026-12-07")
    assert november["units"][0]["readings"]["scoring.slope_mode"] == "step_ceil"


async def test_what_if_and_the_cost_of_lateness_are_reckoned_like_the_sheet(world: World) -> None:
    await e1(world)
    understanding = world.marks.explainer
    waiting = await world.marks.enter_ledger({**PAPERS, "kind": "exposure", "unit": "U01", "month": OCT}, CLERK)
    found = await understanding.compute_what_if(OCT, "U01", CLERK, settings={"scoring.slope_mode": "step_floor"})
    assert (found["real"]["total"], found["changed"]["total"], found["difference"]["change"]) == (
        "95.05",
        "96.90",
        "+1.85",
    )
    found = await understanding.compute_what_if(OCT, "U01", CLERK, ledger=[waiting["id"]])
    assert found["changed"]["total"] == "92.55" and (await world.marks.compute_sheet(OCT, "U01"))["total"] == "95.05"
    with pytest.raises(Refused, match="unknown_entry"):
        await understanding.compute_what_if(OCT, "U01", CLERK, ledger=[1])
    with pytest.raises(Refused, match="forbidden"):
        await understanding.explain(OCT, "U02", None, LIAISON)
    why = await understanding.explain(OCT, "U01", "sign", LIAISON, failed=True)
    assert why["of"] == 8 and {w["failed"] for w in why["tickets"]} == {True}
    trend = await understanding.compute_trend("U01", 2, OCT, CLERK)
    assert trend["months"] == ["2026-09", OCT] and trend["totals"][1] == "95.05"
    assert len(json.dumps(trend)) < 20_000 and len(E1_LEDGER) == 7


async def test_what_lateness_would_cost_is_the_difference_of_two_sheets(world: World) -> None:
    world.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    for no in ("L1", "L2"):
        await live(world, no)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
    await world.act("sign", HANDLER, "L2")
    costs: list[Any] = []
    for no in ("L1", "L2"):
        snap = await world.desk.moves.load(TicketRef(no=no))
        assert snap is not None and snap.lead is not None
        costs.append(await world.marks.explainer.compute_delay_cost(snap.lead, frozenset()))
    assert {x["item"] for x in costs[0]["items"]} == {"sign", "on_time", "red_card"}
    assert {x["item"] for x in costs[1]["items"]} == {"on_time", "red_card"}
    assert float(costs[0]["cost"]) > float(costs[1]["cost"]) > 0
