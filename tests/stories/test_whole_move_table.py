"""The rows of the move table through the API, with the messages people then get (docs/transitions.zh.md)."""

from datetime import datetime, timedelta

import pytest

from sandbox.telephone.behaviour import answer_with
from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
BUSY = pytest.mark.parametrize("sample_tickets", [True], indirect=True)  # the office has other tickets as well
RETURN = {"reason": "不属于本单位职责", "reason_code": "not_our_duty", "signed_by": "seal"}


@pytest.fixture(autouse=True)
def everybody_takes_calls(office: Office) -> None:
    """Whoever is called presses 1: these stories are not about telephones."""
    office.simulator.phones.default = answer_with(["1"])


@SQLITE
async def test_own_departments_have_the_same_limits_and_simple_questions_are_answered_at_once_A3_A8_T1_T2_T3_T31(
    office: Office,
) -> None:
    department = {"code": "YW1", "name": "业务一科", "kind": "internal", "region": "云岭市"}
    assert (await office.request("POST", "/units", "admin", department)).status == 201
    clerk = {"code": "YW101", "name": "林静", "unit": "YW1", "role": "handler", "phone": "13800002001"}
    assert (await office.request("POST", "/people", "admin", clerk)).status == 201
    await office.create_ticket("JS0001")
    before = (await office.ticket("JS0001"))["first_receiver"]
    assert before == "M01"
    await office.act("JS0001", "dispatch", "dispatcher", unit="YW1")
    own = await office.lead("JS0001")
    assert own["sign_due_at"] == "2026-11-10T17:00:00+08:00" and own["close_due_at"] == "2026-11-16T17:00:00+08:00"
    await office.act("JS0001", "sign", "YW101")
    assert (await office.ticket("JS0001"))["first_receiver"] == before  # A3: whatever happens
    await office.act("JS0001", "cancel", "dispatcher", reason="诉求人撤回")
    assert await office.state("JS0001") == "cancelled"
    await office.create_ticket("JS0002", category=None)
    assert await office.state("JS0002") == "registered"
    await office.act_refused("JS0002", "accept", "reviewer", "fields_missing")
    await office.act("JS0002", "accept", "reviewer", category="consult")
    answered = await office.act("JS0002", "answer", "dispatcher", text="这不归我们管")
    assert answered["state"] == "finalized" and answered["advice"][0]["message"]  # A20: advice, never a block
    await office.act_refused("JS0002", "dispatch", "dispatcher", "not_now", unit="U01")


async def test_a_repeat_is_merged_into_its_master_ticket_and_both_say_so_T4(office: Office) -> None:
    handler = await office.bind("H101")
    await office.dispatch_ticket("JS0001")
    await handler.expect("【新工单】JS0001")
    for no, fields in (("JS0002", {}), ("JS0003", {"category": "complaint"}), ("JS0004", {"phone": "+8613900000009"})):
        await office.create_ticket(no, **fields)
    assert (await office.ticket("JS0002"))["flags"] == ["suspected_repeat"]
    done = await office.act("JS0002", "merge", "dispatcher", into="JS0001")
    assert (done["state"], done["merged_into"]) == ("merged", "JS0001")
    message = await handler.expect("并入重复诉求 1 件")
    assert "累计 1 件" in message.text
    await office.act_refused("JS0003", "merge", "dispatcher", "not_same_matter", into="JS0001")
    await office.act_refused("JS0004", "merge", "dispatcher", "not_same_matter", into="JS0001")
    await office.act("JS0004", "merge", "dispatcher", into="JS0001", reason="同一楼道的同一盏灯")
    await handler.expect("累计 2 件")
    await office.act_refused("JS0003", "merge", "dispatcher", "merge_chain", into="JS0002")
    await office.act_refused("JS0003", "merge", "dispatcher", "merge_itself", into="JS0003")
    await office.act_refused("JS0003", "merge", "dispatcher", "not_found", into="JS9999")
    master = await office.ticket("JS0001")
    assert master["repeats"] == 2 and "suspected_repeat" in master["flags"]
    assert [(m["verb"], m["words"].get("repeat")) for m in await office.list_moves("JS0001")][-2:] == [
        ("take_repeat", "JS0002"), ("take_repeat", "JS0004"),
    ]  # fmt: skip
    assert (await office.act("JS0002", "merge", "dispatcher", into="JS0001"))["version"] == done["version"]
    figures = await office.request("GET", "/indicators", "supervisor", month="2026-11")
    assert figures["demands"] >= 4 and figures["repeats"] == 3 and figures["units"][0]["repeats"] == 1


@SQLITE
async def test_the_second_return_is_decided_for_good_and_the_ticket_always_has_an_owner_T8_T9_T10_Q44(
    office: Office,
) -> None:
    handler, reviewer = await office.bind("H201"), await office.bind("SH01")
    await office.sign_ticket("JS0001")
    await office.act("JS0001", "return", "unit:U01", files=[await office.upload_statement()], **RETURN)
    await reviewer.expect("待审核退单：JS0001")
    await office.act_refused("JS0001", "decide_return", "reviewer", "bad_field", accept=True, unit="U02")
    await office.act("JS0001", "decide_return", "reviewer", accept=True)
    await office.act("JS0001", "dispatch", "dispatcher", unit="U02")
    await handler.expect("【新工单】JS0001")
    await office.act("JS0001", "sign", "unit:U02")
    statement = await office.upload_statement("unit:U02")
    await office.act("JS0001", "return", "unit:U02", files=[statement], **RETURN)
    task = await reviewer.expect("待裁定退单：JS0001")
    assert "最终结果" in task.text
    decided = await office.act("JS0001", "decide_return", "reviewer", accept=True, unit="U01", reason="属住建职责")
    assert (decided["state"], decided["bounces"]) == ("dispatched", 2)
    await handler.expect("退单已同意：JS0001")
    assert [(a["unit"], a["state"]) for a in decided["assignments"]] == [
        ("U01", "returned"), ("U02", "returned"), ("U01", "dispatched"),
    ]  # fmt: skip
    await office.act("JS0001", "sign", "unit:U01")
    await office.act_refused(
        "JS0001", "return", "unit:U01", "return_arbitrated", files=[await office.upload_statement()], **RETURN
    )
    await office.act("JS0001", "reassign", "dispatcher", unit="U03")  # T11
    assert (await office.lead("JS0001"))["unit"] == "U03"


@SQLITE
async def test_a_red_card_given_while_the_review_was_late_is_withdrawn_T10_T16(office: Office) -> None:
    await office.sign_ticket("JS0001", grade="urgent")
    due = await office.due("JS0001", "close")
    await office.advance_to(due - timedelta(hours=1))
    await office.act("JS0001", "return", "unit:U01", files=[await office.upload_statement()], **RETURN)
    await office.advance_to(due + timedelta(hours=1))
    assert (await office.lead("JS0001"))["red_card"] is True and "red" in await office.flags("JS0001")
    await office.act("JS0001", "decide_return", "reviewer", accept=False, reason="属于贵单位职责")
    lead = await office.lead("JS0001")
    longer = datetime.fromisoformat(lead["close_due_at"]) - due
    assert lead["red_card"] is False and timedelta(hours=1.49) < longer < timedelta(hours=1.6)
    assert (await office.list_moves("JS0001"))[-1]["words"]["card_taken_back"]
    await office.act("JS0001", "close", "unit:U01", text="已修复并电话告知", feedback="满意", no_objection=True)
    assert (await office.lead("JS0001"))["closed_at"]


@SQLITE
async def test_assisting_units_sign_and_answer_for_their_part_and_end_with_the_ticket_T5b_T12_T19_Q21(
    office: Office,
) -> None:
    assistant = await office.bind("H201")
    await office.sign_ticket("JS0001")
    await office.act("JS0001", "assist", "dispatcher", unit="U02")
    await assistant.expect("【新工单】JS0001")
    await office.act("JS0001", "sign", "unit:U02")
    await office.act("JS0001", "contact", "unit:U02", reached=True, way="phone")
    due = await office.due("JS0001", "close") + timedelta(days=1)
    informed = {"at": office.now.isoformat(), "way": "phone"}
    await office.act_refused("JS0001", "extend", "unit:U02", "not_lead", new_due_at=due.isoformat(), reason="待料",
                  requester_informed=informed)  # fmt: skip
    await office.act("JS0001", "reply", "unit:U02", text="已配合断电，施工期间派人值守")
    await office.act("JS0001", "close", "unit:U02", feedback="已告知诉求人")
    assert await office.state("JS0001") == "signed"  # the assisting unit closed its own part only
    await office.act("JS0001", "assist", "dispatcher", unit="U03")
    mine = await office.request("GET", "/tickets", "unit:U03")
    assert [t["ticket_no"] for t in mine["items"]] == ["JS0001"]
    await office.act("JS0001", "contact", "unit:U01", reached=True, note="已说明情况")
    await office.act("JS0001", "close", "unit:U01", text="路灯已修复", cause="线路老化", feedback="满意")
    await office.act("JS0001", "visit", "agent", kind="manual", answer="satisfied", note="灯亮了")
    ticket = await office.ticket("JS0001")
    assert ticket["state"] == "finalized" and all(a["ended_at"] for a in ticket["assignments"] if not a["lead"])
    record = (await office.list_moves("JS0001"))[-1]["words"]["assisted"]
    assert [(r["unit"], r["replied"], r["signed"]) for r in record] == [("U02", True, "manual"), ("U03", False, "no")]
    lead = await office.lead("JS0001")
    assert lead["cause"] == "线路老化" and lead["seconds_to_sign"] >= 0 and lead["seconds_to_first_contact"] >= 0
    figures = {u["unit"]: u for u in (await office.request("GET", "/indicators", "auditor"))["units"]}
    assert figures["U02"]["cooperation"] == {"assisted": 1, "answered": 1}
    assert figures["U03"]["cooperation"] == {"assisted": 1, "answered": 0}
    own = await office.request("GET", "/indicators", "unit:U02")
    assert [u["unit"] for u in own["units"]] == ["U02"] and "demands" not in own.body


@SQLITE
async def test_when_a_signed_ticket_becomes_urgent_its_handler_is_told_and_called_again_Q28(office: Office) -> None:
    handler = await office.bind("H101")
    await office.sign_ticket("JS0001")
    await handler.expect("JS0001")
    office.confirm_calls("H101")
    done = await office.act("JS0001", "regrade", "dispatcher", grade="urgent", reason="群众扬言")
    await office.settle()
    message = await handler.expect("【转为紧急】JS0001")
    assert "请立即办理" in message.text
    assert len(office.calls_to("H101")) == 1
    call = (await office.list_items("/calls", ticket="JS0001"))[0]
    assert (call["purpose"], call["outcome"]) == ("notice", "confirmed")
    lead = next(a for a in done["assignments"] if a["lead"])
    assert datetime.fromisoformat(lead["close_due_at"]) - office.now <= timedelta(hours=24)
    await office.act_refused("JS0001", "regrade", "dispatcher", "same_grade", grade="urgent", reason="再次扬言")
    down = await office.act("JS0001", "regrade", "dispatcher", grade="general", reason="已平息")
    assert next(a for a in down["assignments"] if a["lead"])["close_due_at"] == "2026-11-16T17:00:00+08:00"


@SQLITE
async def test_an_extension_pending_at_the_due_time_withholds_the_red_card_and_its_refusal_brings_it_T13_T14_T16_Q30(
    office: Office,
) -> None:
    await office.sign_ticket("JS0001", grade="urgent")
    due = await office.due("JS0001", "close")
    asked = {"new_due_at": (due + timedelta(hours=8)).isoformat(), "reason": "配件在途"}
    await office.act_refused("JS0001", "extend", "unit:U01", "requester_not_informed", **asked)
    await office.advance_to(due - timedelta(minutes=5))
    informed = {"at": office.now.isoformat(), "way": "phone"}
    await office.act("JS0001", "extend", "unit:U01", requester_informed=informed, **asked)
    await office.advance_to(due + timedelta(minutes=20))
    assert (await office.lead("JS0001"))["red_card"] is False
    await office.act_refused("JS0001", "decide_extension", "reviewer", "reason_missing", accept=False)
    await office.act("JS0001", "decide_extension", "reviewer", accept=False, reason="理由不足")
    await office.settle()
    await office.advance("5s")
    assert (await office.lead("JS0001"))["red_card"] is True
    card = next(m for m in await office.list_moves("JS0001") if m["verb"] == "red_card")
    assert datetime.fromisoformat(card["at"]) == due  # retroactive
    await office.act_refused("JS0001", "extend", "unit:U01", "past_due", requester_informed=informed, **asked)


@SQLITE
async def test_supervision_explained_close_and_a_reply_sent_back_T17_T18_T21_T22_A25(office: Office) -> None:
    supervisor = await office.bind("DB01")
    await office.sign_ticket("JS0001")
    due = (office.now + timedelta(days=1)).isoformat()
    await office.act("JS0001", "supervise", "supervisor", reason="媒体关注", due_at=due)
    assert "supervised" in await office.flags("JS0001")
    await office.act("JS0001", "report_progress", "unit:U01", text="已派人到场")
    await supervisor.expect("已反馈督办进展：JS0001")
    await office.act("JS0001", "accept_progress", "supervisor", accept=True)
    assert "supervised" not in await office.flags("JS0001")
    explained = {"close_type": "explained_unresolvable", "feedback": "表示理解", "text": "受规划限制暂不能加装"}
    await office.act_refused("JS0001", "close", "unit:U01", "explanation_missing", **explained)
    await office.act("JS0001", "close", "unit:U01", explanation="规划调整后办理", revisit_on="2027-03-01", **explained)
    assert await office.state("JS0001") == "replied"
    await office.act_refused("JS0001", "decide_close", "reviewer", "forbidden", accept=True)
    await supervisor.expect("JS0001")
    await office.act("JS0001", "decide_close", "supervisor", accept=True)
    lead = await office.lead("JS0001")
    assert (lead["close_type"], lead["revisit_on"], lead["state"]) == ("explained_unresolvable", "2027-03-01", "closed")
    await office.act("JS0001", "send_back", "reviewer", reason="答复过于笼统")
    lead = await office.lead("JS0001")
    assert (lead["state"], lead["closed_at"]) == ("signed", None)
    await office.act_refused("JS0001", "close", "unit:U01", "reply_missing", feedback="好")
    await office.act_refused("JS0001", "close", "unit:U01", "has_objection", feedback="不同意", no_objection=False,
                  text="已说明")  # fmt: skip


@BUSY
@SQLITE
async def test_dissatisfaction_rework_claim_appeal_review_and_archive_T24_to_T30_A17_Q38(office: Office) -> None:
    for no in ("JS0001", "JS0002"):
        await office.sign_ticket(no, phone=None)
        await office.act(no, "close", "unit:U01", text="已巡查，未发现故障", feedback="不认可")
        await office.act(no, "visit", "agent", kind="manual", answer="unsatisfied", note="灯还是不亮")
        assert await office.state(no) == "finalized"
    closed = (await office.lead("JS0001"))["closed_at"]
    await office.act("JS0001", "rework", "reviewer", summary="灯还是不亮")
    assert await office.state("JS0001") == "rework"
    await office.act("JS0001", "reply", "unit:U01", text="已更换灯具，当晚恢复照明")
    assert (await office.lead("JS0001"))["closed_at"] == closed  # Q22: no second closing
    await office.act("JS0001", "visit", "agent", kind="manual", answer="satisfied", note="亮了")
    ticket = await office.ticket("JS0001")
    assert (ticket["state"], ticket["final_answer"]) == ("finalized", "satisfied")
    await office.act_refused("JS0001", "claim_unreasonable", "unit:U01", "not_unsatisfied", reason="x")
    await office.act_refused("JS0002", "claim_unreasonable", "unit:U01", "files_missing", reason="超出法定职权")
    statement = await office.upload_statement()
    await office.act("JS0002", "claim_unreasonable", "unit:U01", reason="超出法定职权", files=[statement])
    await office.act_refused("JS0002", "decide_unreasonable", "agent", "forbidden", accept=False, reason="x")
    await office.act("JS0002", "decide_unreasonable", "reviewer", accept=False, reason="属合理诉求")
    await office.act("JS0002", "appeal", "unit:U01", reason="有会议纪要")
    await office.act_refused("JS0002", "decide_unreasonable", "reviewer", "same_person", accept=True, reason="x",
                  **{"class": "untrue"})  # fmt: skip
    await office.act_refused("JS0002", "decide_unreasonable", "admin", "bad_field", accept=True, reason="纪要属实")
    await office.act("JS0002", "decide_unreasonable", "admin", accept=False, reason="纪要与本诉求无关")
    await office.act_refused("JS0002", "appeal", "unit:U01", "already_asked", reason="再次申诉")
    await office.act_refused("JS0002", "archive", "admin", "forbidden")
    await office.advance("32d")  # past the settlement day of December's beginning
    assert (await office.state("JS0001"), await office.state("JS0002")) == ("archived", "finalized")  # no review yet
    await office.act(
        "JS0002", "review", "reviewer", conclusion="办理不力", responsibility="住建局", improvement="加强夜巡"
    )
    assert (await office.ticket("JS0002"))["reviewed"] is True
    await office.advance("2h")
    assert await office.state("JS0002") == "archived"


@SQLITE
async def test_flags_are_proposed_by_one_and_decided_by_another_Q32(office: Office) -> None:
    reviewer = await office.bind("SH01")
    await office.sign_ticket("JS0001")
    await office.act("JS0001", "flag", "unit:U01", mass_incident=True, reason="涉及百余户")
    await office.act("JS0001", "flag", "unit:U01", confidential=True, reason="诉求人要求保密")
    task = await reviewer.expect("待审核群体性事件标记：JS0001")
    confidential = await reviewer.expect("待审核保密标记：JS0001")
    assert await office.flags("JS0001") == []
    await office.act_refused("JS0001", "decide_flag", "dispatcher", "forbidden", accept=True)
    await reviewer.press(confidential, "同意")  # the newer one: each card decides its own
    await office.settle()
    assert await office.flags("JS0001") == ["confidential"]
    await reviewer.press(task, "同意")
    await office.settle()
    assert await office.flags("JS0001") == ["confidential", "mass_incident"]
    await office.act_refused("JS0001", "decide_flag", "reviewer", "nothing_pending", accept=True)


@SQLITE
async def test_a_curt_reply_gets_advice_and_is_accepted_all_the_same_A20(office: Office) -> None:
    await office.sign_ticket("JS0001")
    done = await office.act("JS0001", "reply", "H101", text="这事办不了，您自行解决吧，后果自负")
    assert done["state"] == "replied" and {a["code"] for a in done["advice"]} >= {"curt", "blame", "brush_off"}
    polite = await office.act(
        "JS0001", "amend", "H101", text="经现场查看，需更换电缆，预计三日内完成，届时电话告知您。"
    )
    assert "advice" not in polite.body
