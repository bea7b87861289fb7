"""A unit that is not responsible returns the ticket, in time or late, with its statement; the office decides."""

from datetime import timedelta

import pytest

from tests.stories.office import Office

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_return_with_reason_statement_and_seal_is_accepted_and_dispatched_again(office: Office) -> None:
    handler, reviewer = await office.bind("H101"), await office.bind("SH01")
    next_handler = await office.bind("H201")
    await office.dispatch_ticket("JS0001")
    card = await handler.expect("【新工单】JS0001")
    await handler.press(card, "签收")
    await office.settle()
    await handler.press(card, "申请退单")
    asked = await handler.expect("请回复本消息，写明：退单")
    await handler.reply(asked, "退单 路灯由城市管理局管护，不属于本单位职责")
    lacking = await handler.expect("请补充：")
    assert "情况说明" in lacking.text
    assert await office.state("JS0001") == "signed"  # being asked for more (M9b) changes nothing
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
    again = await next_handler.expect("【新工单】JS0001")
    await next_handler.press(again, "签收")
    await office.settle()
    assert await office.state("JS0001") == "signed"
    assert [a["unit"] for a in (await office.ticket("JS0001"))["assignments"]] == ["U01", "U02"]
    first, second = await office.count_scores("U01"), await office.count_scores("U02")
    assert (first["sign"], first["return"], second["return"]) == ((1, 1), (1, 1), (0, 0))
    assert office.list_unexpected() == []


@SQLITE
async def test_a_late_return_is_warned_of_and_counts_as_late_if_it_is_submitted_all_the_same(office: Office) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101", "H102")
    await office.dispatch_ticket("JS0001")
    card = await handler.expect("【新工单】JS0001")
    due = await office.due("JS0001", "sign")
    await office.advance_to(due + timedelta(hours=17))
    message = await handler.expect("系统已于")
    assert "此时退单将按退单不及时统计" in message.text
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
    assert (await office.count_scores())["return"] == (0, 1)


@SQLITE
async def test_after_a_refused_return_work_goes_on_and_the_unit_learns_why(office: Office) -> None:
    handler = await office.bind("H101")
    await office.dispatch_ticket("JS0001")
    card = await handler.expect("【新工单】JS0001")
    await handler.reply(card, "签收")
    await handler.expect("已签收")
    statement = await office.upload_statement()
    await office.act("JS0001", "return", "unit:U01", reason="不属于本单位职责", reason_code="not_our_duty",
                     files=[statement], signed_by="leader")  # fmt: skip
    before = (await office.lead("JS0001"))["close_due_at"]
    await office.act_refused("JS0001", "decide_return", "unit:U01", "forbidden", accept=True)
    await office.act("JS0001", "decide_return", "reviewer", accept=False, reason="属于本单位职责")
    await office.settle()
    message = await handler.expect("退单未通过：JS0001")
    assert "属于本单位职责" in message.text
    lead = await office.lead("JS0001")
    assert (lead["state"], lead["close_due_at"]) == ("signed", before)
