"""Handlers are called at once about urgent tickets; about general ones in office hours, and only if unopened."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.stories.office import MONDAY, Office, november

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def show(times: list[datetime]) -> list[str]:
    """Day and time of each call."""
    return [at.strftime("%d %H:%M") for at in times]


async def test_an_urgent_ticket_is_called_about_at_once_and_key_2_with_the_pin_signs_it(office: Office) -> None:
    handler = await office.bind("H101")
    await office.set_pin("H101", "4862")
    office.phone("H101").answer_with(["2", "4862#"])
    await office.dispatch_ticket("JS0001", grade="urgent", category="complaint")
    card = await handler.expect("【紧急工单】JS0001")
    assert show(office.calls_to("H101")) == ["09 09:00"]
    lead = await office.lead("JS0001")
    assert (lead["state"], lead["signed"]) == ("signed", "manual")
    assert "签收成功" in office.phone("H101").heard and "签收" not in card.buttons
    moves = await office.list_moves("JS0001")
    assert [(move["by"], move["source"]) for move in moves if move["verb"] == "sign"] == [("H101", "phone")]
    (call,) = await office.list_items("/calls", ticket="JS0001")
    assert (call["outcome"], "4862" in str(call)) == ("signed", False)
    assert office.list_unexpected() == []


@SQLITE
async def test_key_1_confirms_receipt_and_signs_nothing(office: Office) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101")
    await office.dispatch_ticket("JS0001", grade="urgent")
    await handler.expect("【紧急工单】JS0001")
    assert await office.state("JS0001") == "dispatched"
    (call,) = await office.list_items("/calls", ticket="JS0001")
    assert call["outcome"] == "confirmed"
    await office.advance("30m")
    assert len(office.calls_to("H101")) == 1  # whoever has been told is not called again
    assert office.calls_to("H102") == []


@SQLITE
async def test_when_nobody_answers_the_next_contacts_are_called_and_then_a_person_gets_the_task_Q42(
    office: Office,
) -> None:
    dispatcher = await office.bind("PD01")
    await office.dispatch_ticket("JS0001", grade="urgent")
    await office.advance("1h")
    assert show(office.calls_to("H101")) == ["09 09:00", "09 09:05", "09 09:10"]
    calls_of_each = [office.calls_to(who) for who in ("H101", "H102", "L101", "D101")]  # the leader comes last
    assert [len(times) for times in calls_of_each] == [3, 3, 3, 3]
    assert all(one[-1] <= following[0] for one, following in pairwise(calls_of_each))
    gaps = [b - a for times in calls_of_each for a, b in pairwise(times)]
    assert all(timedelta(minutes=4, seconds=59) <= gap <= timedelta(minutes=6) for gap in gaps), gaps
    await dispatcher.expect("工单 JS0001 已多次电话通知未接通，请人工联系")
    calls = await office.list_items("/calls", ticket="JS0001")
    assert {(call["outcome"], call["purpose"]) for call in calls} == {("no_answer", "notice")}
    assert len(calls) == 4 and await office.state("JS0001") == "dispatched"


@SQLITE
async def test_an_unopened_general_ticket_is_called_about_after_four_working_hours_and_never_at_night(
    office: Office,
) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101")
    await office.advance_to(november(9, 15, 30))
    await office.dispatch_ticket("JS0001")
    await handler.expect("【新工单】JS0001")
    await office.advance_to(november(10, 9))
    assert office.calls_to("H101") == []
    await office.advance_to(november(10, 13, 20))
    assert show(office.calls_to("H101")) == ["10 11:00"]  # an hour and a half on Monday, two and a half on Tuesday
    assert "请尽快签收" in office.phone("H101").heard
    await handler.expect("尚未签收")  # the morning's reminder
    assert office.list_unexpected() == []


@SQLITE
async def test_nobody_is_called_about_a_general_ticket_that_was_opened(office: Office) -> None:
    handler = await office.bind("H101")
    office.confirm_calls("H101")
    await office.dispatch_ticket("JS0001")
    card = await handler.expect("【新工单】JS0001")
    await handler.press(card, "查看详情")
    await handler.expect("【工单详情】JS0001")
    await office.advance_to(MONDAY + timedelta(hours=8))
    assert office.calls_to("H101") == [] and await office.state("JS0001") == "dispatched"


async def test_a_ticket_nobody_signs_is_signed_automatically_at_the_very_moment_it_is_due_B33(office: Office) -> None:
    handler, liaison = await office.bind("H101"), await office.bind("L101")
    office.confirm_calls("H101", "H102")
    await office.dispatch_ticket("JS0001")
    due = await office.due("JS0001", "sign")
    assert due == november(10, 17)  # Q24
    await office.advance_to(due + timedelta(minutes=1))
    lead = await office.lead("JS0001")
    assert (lead["state"], lead["signed"], datetime.fromisoformat(lead["signed_at"])) == ("signed", "auto", due)
    await handler.expect("系统已于")
    await liaison.expect("系统已于")
    assert (await office.count_scores())["sign"] == (0, 1)


@SQLITE
async def test_a_ticket_not_closed_in_time_gets_a_yellow_card_and_then_one_red_card_A24(office: Office) -> None:
    handler = await office.bind("H101")
    await office.dispatch_ticket("JS0001", category="consult")
    card = await handler.expect("【新工单】JS0001")
    await handler.press(card, "签收")
    due = await office.due("JS0001", "close")
    assert due == november(11, 17)  # two working days
    await office.advance_to(due - timedelta(hours=1))
    await handler.expect("剩余")
    assert "yellow" in await office.flags("JS0001")
    assert (await office.lead("JS0001"))["red_card"] is False
    await office.advance_to(due + timedelta(hours=20))
    await handler.expect("【红牌警告】JS0001")
    assert (await office.lead("JS0001"))["red_card"] is True and "红牌" in card.text
    await handler.reply(card, "答复 迟办说明：等待配件，现已修复。")
    await handler.expect("答复已提交")
    await handler.reply(card, "办结 诉求人认可")
    await handler.expect("已办结：JS0001")
    assert not [text for text in handler.list_unexpected() if "红牌" in text]  # it came once
    scores = await office.count_scores()
    assert (scores["on_time"], scores["red_card"]) == ((0, 1), (1, 1))


@SQLITE
async def test_a_person_who_blocks_the_bot_is_called_instead_and_their_colleagues_learn_of_it_FT20(
    office: Office,
) -> None:
    handler, liaison = await office.bind("H101"), await office.bind("L101")
    handler.block()
    office.confirm_calls("H101")
    await office.dispatch_ticket("JS0001")
    assert show(office.calls_to("H101")) == ["09 09:00"]
    assert "工单提醒电话" in office.phone("H101").heard
    await liaison.expect("李建国 的消息通道已失效")
    messages = await office.list_items("/deliveries", ticket="JS0001")
    assert {(x["channel"], x["state"]) for x in messages} >= {("phone", "sent")}
    assert [x["state"] for x in messages if x["channel"] == "telegram"] in (["failed"], ["skipped"], [])
    assert handler.list_unexpected() == []
