"""From 签收 to 办结 and back, by buttons and by replying to the card, as a handler does it."""

from datetime import timedelta

import pytest

from backend.domain.ticket import Grade
from sandbox.telegram.users import ONE_PIXEL_JPEG
from tests.bot.world import World


async def signed(world: World, code: str = "H1"):  # type: ignore[no-untyped-def]
    user = await world.bound(code)
    await world.ticket()
    card = await world.card(user, code)
    assert await user.press(card, "签收") == "已签收。"
    return user, card


async def test_the_main_road_by_buttons(world: World) -> None:
    user, _ = await signed(world)
    card = await world.card(user, "H1")
    assert await user.press(card, "填写答复") == "请按提示回复消息。"
    ask = await user.expect("写明：答复")
    await user.reply(ask, "已联系诉求人并更换路灯，今晚起恢复照明。")
    await user.expect("答复已提交")
    assert await world.state() == "replied"
    card = await world.card(user, "H1")
    assert await user.press(card, "办结") == "请按提示回复消息。"
    ask = await user.expect("写明：办结")
    await user.reply(ask, "诉求人表示认可")
    await world.quiet()
    assert await world.state() == "closed"
    assert (await world.assignment()).feedback == "诉求人表示认可"
    assert await world.moves_of() == ["create", "dispatch", "sign", "reply", "close"]


async def test_the_main_road_by_replying_to_the_card(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    await user.reply(card, "签收")
    await user.expect("已签收")
    await user.reply(card, "进展 已派人到现场")
    await user.expect("进展已反馈")
    await user.reply(card, "答复 高度重视，已办")
    await user.expect("温馨提示")
    await user.reply(card, "办结 满意")
    await world.quiet()
    assert await world.state() == "closed"


async def test_closing_without_a_reply_asks_for_it_first(world: World) -> None:
    user, card = await signed(world)
    await user.reply(card, "办结 诉求人满意")
    ask = await user.expect("办结前请先填写答复")
    assert await world.state() == "signed"
    await user.reply(ask, "路灯已经更换，经现场确认恢复照明。")
    await user.expect("已办结")
    assert await world.state() == "closed"
    assert (await world.assignment()).feedback == "诉求人满意"


async def test_a_command_leaves_the_open_question_so_that_idle_words_never_become_a_reply(world: World) -> None:
    user, card = await signed(world)
    await user.reply(card, "办结 诉求人满意")
    ask = await user.expect("办结前请先填写答复")
    await user.say("/todo")
    await user.expect("我的待办")
    await user.say("你好")
    await world.quiet()
    assert await world.state() == "signed"
    await user.reply(ask, "路灯已经更换，经现场确认恢复照明。")
    await user.expect("已办结")


async def test_a_return_is_collected_until_it_is_whole(world: World) -> None:
    user, card = await signed(world)
    await user.reply(card, "退单 不属于本单位职责")
    more = await user.expect("请补充：情况说明（照片或PDF）、公章")
    assert await world.state() == "signed"
    await user.send_document(reply_to=more)
    more = await user.expect("请补充：公章或分管领导签字的确认。")
    assert await user.press(more, "公章") == "退单申请已提交。"
    assert await world.state() == "return_review"
    request = next(r for r in (await world.moves.load(_no())).requests)  # type: ignore[union-attr]
    assert request.facts["signed_by"] == "seal" and request.facts["reason_code"] == "not_our_duty"
    assert len(request.facts["files"]) == 1 and request.timely
    assert not more.buttons


def _no():  # type: ignore[no-untyped-def]
    from backend.ports.moves import TicketRef

    return TicketRef(no="T1")


async def test_a_late_return_is_warned_of_before_it_is_submitted_M9a(world: World) -> None:
    user, card = await signed(world)
    world.later(days=3)
    await user.send_photo(caption="退单 不属于本单位职责，已盖公章", reply_to=card)
    warned = await user.expect("按“退单不及时”统计，是否继续")
    assert await world.state() == "signed"
    await user.press(warned, "继续退单")
    assert await world.state() == "return_review"
    request = next(r for r in (await world.moves.load(_no())).requests)  # type: ignore[union-attr]
    assert request.timely is False


async def test_a_late_return_may_be_thought_over(world: World) -> None:
    user, _ = await signed(world)
    world.later(days=3)
    card = await world.card(user, "H1")
    await user.press(card, "申请退单")
    warned = await user.expect("是否继续")
    assert await user.press(warned, "返回办理") == "已返回，工单继续办理。"
    assert await world.state() == "signed" and not warned.buttons


async def test_an_album_is_one_statement_and_is_signed_once(world: World) -> None:
    user, card = await signed(world)
    await user.send_album([ONE_PIXEL_JPEG, ONE_PIXEL_JPEG], caption="退单 不属于本单位", reply_to=card)
    await world.quiet()
    more = await user.expect("请补充：公章")
    await user.expect("【新工单】")
    assert user.list_unexpected() == []
    await user.press(more, "领导签字")
    request = next(r for r in (await world.moves.load(_no())).requests)  # type: ignore[union-attr]
    assert len(request.facts["files"]) == 2 and request.facts["signed_by"] == "leader"


async def test_a_reviewer_agrees_and_the_second_one_is_told_FT14(world: World) -> None:
    user, card = await signed(world)
    await user.send_document(caption="退单 不属于本单位 公章", reply_to=card)
    await world.quiet()
    reviewer = await world.bound("R1")
    request = next(r for r in (await world.moves.load(_no())).requests)  # type: ignore[union-attr]
    message = await _prompt(world, reviewer, f"1.y.{request.id}.0", f"1.n.{request.id}.0", f"1.f.{request.id}.0")
    await reviewer.press(message, "查看材料")
    await reviewer.expect("情况说明.pdf")
    assert await reviewer.press(message, "不同意") == "请按提示回复消息。"
    ask = await reviewer.expect("写明理由")
    await reviewer.reply(ask, "属于贵单位职责")
    await reviewer.expect("已记录不同意")
    assert await world.state() == "signed"
    assert "审核" in (await reviewer.press(message, "同意") or "")  # decided by R1, and said so
    await world.quiet()
    assert not message.buttons


async def _prompt(world: World, user, yes: str, no: str, files: str):  # type: ignore[no-untyped-def]
    from notify.message import Button, Card

    rows = ((Button("同意", yes), Button("不同意", no)), (Button("查看材料", files),))
    receipt = await world.house.channel.send(str(user.user_id), Card("待审核退单", rows))
    return user.chat.messages[int(receipt.provider_id)]


async def test_an_extension_asks_whether_the_requester_knows(world: World) -> None:
    user, card = await signed(world)
    await user.reply(card, "延期 3 等待检测结果")
    asked = await user.expect("是否已将延期原因告知诉求人")
    assert await world.state() == "signed"
    assert await user.press(asked, "已电话告知") == "延期申请已提交。"
    assert await world.state() == "extension_review"
    due = (await world.assignment()).close_due_at
    request = next(r for r in (await world.moves.load(_no())).requests)  # type: ignore[union-attr]
    assert request.facts["new_due_at"] > due.isoformat()[:10]


async def test_first_contact_is_logged(world: World) -> None:
    user, _ = await signed(world)
    card = await world.card(user, "H1")
    await user.press(card, "联系诉求人")
    asked = await user.expect("是否联系上诉求人")
    assert "联系上" in (await user.press(asked, "已联系上") or "")
    assert (await world.assignment()).contacted_at is not None


async def test_an_edited_reply_is_an_amendment_and_the_journal_keeps_the_original_FT29(world: World) -> None:
    user, card = await signed(world)
    said = await user.reply(card, "答复 路灯已经换好，恢复照明。")
    await user.expect("答复已提交")
    await user.reply(card, "办结 满意")
    await world.quiet()
    await user.edit(said, "答复 路灯与线路均已更换，恢复照明。")
    await user.expect("作为补充说明记录")
    assert (await world.assignment()).reply_text == "路灯与线路均已更换，恢复照明。"
    history = await world.house.queries.load_history((await world.assignment()).ticket_id)
    assert history.lines[-1].verb == "amend" and history.lines[-1].words["before"].startswith("路灯已经换好")


async def test_voices_and_stickers_are_politely_refused_FT28(world: World) -> None:
    user, card = await signed(world)
    await user.send_voice(reply_to=card)
    await user.expect("暂不能受理")
    await user.send_sticker()
    await user.expect("暂不能受理")
    await user.send_location(39.9, 116.4)
    await user.expect("暂不能受理")
    await user.send_document("病毒.pdf", b"MZ not a pdf", reply_to=card)
    await user.expect("仅接受PDF")
    await user.send_document(reply_to=card)
    await user.expect("已收到材料 1 份，附在 T1")
    await world.quiet()
    assert {state for state, _ in await world.inboxes()} == {"done"}


async def test_plain_words_find_the_only_ticket_in_hand(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    await user.say("签收")
    await user.expect("已签收")
    await world.ticket("T2")
    await user.say("答复 已办理完毕，请放心使用。")
    await user.expect("没有识别到要办的事项")
    assert await world.state("T1") == "signed"


@pytest.mark.parametrize("grade", [Grade.GENERAL, Grade.URGENT])
async def test_details_are_masked_and_open_the_assignment(world: World, grade: Grade) -> None:
    user = await world.bound("H1")
    await world.ticket(grade=grade, words="请联系我13800001234，路灯不亮")
    card = await world.card(user, "H1")
    assert await user.press(card, "查看详情") == "详情已发出。"
    shown = await user.expect("【工单详情】T1")
    assert "13800001234" not in shown.text and "路灯不亮" in shown.text
    assert (await world.assignment()).opened_at is not None


async def test_the_duty_colleague_is_handed_the_card(world: World) -> None:
    user, other = await world.bound("H1"), await world.bound("H2")
    await world.ticket(grade=Grade.URGENT)
    card = await world.card(user, "H1")
    assert await user.press(card, "转值班人员") == "已转告值班人员。"
    await other.expect("【紧急工单】T1")
    assert await other.press("签收") == "已签收。"


async def test_todo_and_ticket_show_what_is_in_hand(world: World) -> None:
    user = await world.bound("H1")
    await user.say("/todo")
    await user.expect("当前没有待办工单")
    await world.ticket()
    await world.ticket("T2", Grade.URGENT)
    await user.say("/todo")
    listed = await user.expect("我的待办（2 件）")
    assert listed.buttons == ["T2", "T1"]  # the urgent one is due first
    await user.press(listed, "T2")
    await user.expect("【紧急工单】T2")
    await user.say("/ticket T1")
    await user.expect("【新工单】T1")
    await user.say("/ticket NOPE")
    await user.expect("没有找到该工单")
    stranger = await world.bound("H9")
    await stranger.say("/ticket T1")
    await stranger.expect("没有找到该工单")
    await stranger.say("/status")
    await stranger.expect("没有权限")


async def test_the_office_asks_how_things_stand(world: World) -> None:
    supervisor = await world.bound("S1")
    await world.ticket()
    world.at += timedelta(days=30)
    await supervisor.say("/status")
    await supervisor.expect("待签收 1 件")
    await supervisor.say("/overdue")
    listed = await supervisor.expect("住建局（1 件）")
    assert "T1　签收应于" in listed.text and listed.buttons == ["T1", "督办"]
    await supervisor.say("/unit 住建")
    told = await supervisor.expect("待签收 1 件，办理中 0 件，超期 1 件")
    assert "经办人员 李明（未绑定）" in told.text and "　T1　待签收" in told.text
    await supervisor.say("/supervise T1 超期未办")
    await supervisor.expect("已发起督办：T1")
    await supervisor.say("/quiet")
    await supervisor.expect("20:00-08:00")
    await supervisor.say("/help")
    await supervisor.expect("管理命令")
    assert "supervise" in await world.moves_of()
