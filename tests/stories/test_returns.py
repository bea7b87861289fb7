"""A unit that is not responsible gives the ticket back: in time or late, with its papers; the office decides."""

from datetime import datetime, timedelta

import pytest

from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_return_with_reason_statement_and_seal_is_accepted_and_dispatched_again(office: Office) -> None:
    handler, reviewer = await office.bound("H101"), await office.bound("SH01")
    other = await office.bound("H201")
    await office.dispatched("JS0001")
    card = await handler.expect("【新工单】JS0001")
    await handler.press(card, "签收")
    await office.settle()
    await handler.press(card, "申请退单")
    asked = await handler.expect("请回复本消息，写明：退单")
    await handler.reply(asked, "退单 路灯由城市管理局管护，不属于本单位职责")
    lacking = await handler.expect("请补充：")
    assert "情况说明" in lacking.text and await office.state("JS0001") == "signed"  # M9b changes nothing
    await handler.send_document(reply_to=lacking)
    seal = await handler.expect("请补充：")
    await handler.press(seal, "公章")
    await handler.expect("退单申请已提交：JS0001")
    assert await office.state("JS0001") == "return_review"
    task = await reviewer.expect("待审核退单：JS0001")
    await reviewer.press(task, "同意")
    await handler.expect("退单已同意：JS0001")
    assert await office.state("JS0001") == "pending_dispatch"
    await office.act("JS0001", "dispatch", "dispatcher", unit="U02")
    await office.settle()
    again = await other.expect("【新工单】JS0001")
    await other.press(again, "签收")
    await office.settle()
    assert await office.state("JS0001") == "signed"
    assert [a["unit"] for a in (await office.ticket("JS0001"))["assignments"]] == ["U01", "U02"]
    lines = {}
    for unit in ("U01", "U02"):
        sheet = (await office.ask("GET", "/scores", "clerk", month="2026-11", unit=unit))["units"][0]
        lines[unit] = {one["item"]: (one["numerator"], one["denominator"]) for one in sheet["lines"]}
    assert (lines["U01"]["sign"], lines["U01"]["return"], lines["U02"]["return"]) == ((1, 1), (1, 1), (0, 0))
    assert office.leftovers() == []


@SQLITE
async def test_a_late_return_is_warned_of_beforehand_and_counts_as_late_when_it_goes_on(
    office: Office,
) -> None:
    handler = await office.bound("H101")
    office.phone("H101").answer_with(["1"])
    office.phone("H102").answer_with(["1"])
    await office.dispatched("JS0001")
    card = await handler.expect("【新工单】JS0001")
    due = datetime.fromisoformat((await office.lead("JS0001"))["sign_due_at"])
    await office.until(due + timedelta(hours=17))
    told = await handler.expect("系统已于")
    assert "此时退单将按退单不及时统计" in told.text
    await handler.press(card, "申请退单")
    warned = await handler.expect("已超过签收时限。继续退单将按“退单不及时”统计")
    await handler.press(warned, "返回办理")
    await office.settle()
    assert await office.state("JS0001") == "signed"
    await handler.press(card, "申请退单")
    warned = await handler.expect("已超过签收时限。继续退单将按“退单不及时”统计")
    await handler.press(warned, "继续退单")
    asked = await handler.expect("请回复本消息，写明：退单")
    await handler.send_photo(caption="退单 不属于本单位职责，领导签字", reply_to=asked)
    sent = await handler.expect("退单申请已提交：JS0001")
    assert "按退单不及时统计" in sent.text
    await office.act("JS0001", "decide_return", "reviewer", accept=True, reason="确不属于该单位职责")
    sheet = (await office.ask("GET", "/scores", "clerk", month="2026-11", unit="U01"))["units"][0]
    lines = {one["item"]: (one["numerator"], one["denominator"]) for one in sheet["lines"]}
    assert lines["return"] == (0, 1)


@SQLITE
async def test_after_a_refused_return_work_goes_on_and_the_unit_learns_why(office: Office) -> None:
    handler = await office.bound("H101")
    await office.dispatched("JS0001")
    card = await handler.expect("【新工单】JS0001")
    await handler.reply(card, "签收")
    await handler.expect("已签收")
    paper = await office.paper()
    await office.act("JS0001", "return", "unit:U01", reason="不属于本单位职责", reason_code="not_our_duty",
                     files=[paper], signed_by="leader")  # fmt: skip
    before = (await office.lead("JS0001"))["close_due_at"]
    refused = await office.ask("POST", "/tickets/JS0001/acts", "unit:U01", {"verb": "decide_return", "accept": True})
    assert refused.status == 403
    await office.act("JS0001", "decide_return", "reviewer", accept=False, reason="属于本单位职责")
    await office.settle()
    told = await handler.expect("退单未通过：JS0001")
    assert "属于本单位职责" in told.text
    lead = await office.lead("JS0001")
    assert (lead["state"], lead["close_due_at"]) == ("signed", before)
