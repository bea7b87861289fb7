"""From 签收 to 办结 or back to the dispatcher, by buttons and by replying to the card, as a handler does it."""

import pytest

from backend.domain.ticket_enums import Grade
from notify.message import Button, Card
from sandbox.telegram.model import Message
from sandbox.telegram.users import ONE_PIXEL_JPEG, ChatUser
from tests.bot.world import World


async def test_a_ticket_is_signed_replied_to_and_closed_by_buttons(world: World) -> None:
    user, _ = await world.sign_by_button()
    card = await world.send_card(user, "H1")
    assert await user.press(card, "填写答复") == "请按提示回复消息。"
    question = await user.expect("写明：答复")
    await user.reply(question, "已联系诉求人并更换路灯，今晚起恢复照明。")
    await user.expect("答复已提交")
    assert await world.state() == "replied"
    card = await world.send_card(user, "H1")
    assert await user.press(card, "办结") == "请按提示回复消息。"
    question = await user.expect("写明：办结")
    await user.reply(question, "诉求人表示认可")
    await world.settle()
    assert await world.state() == "closed"
    assert (await world.load_assignment()).feedback == "诉求人表示认可"
    assert await world.list_verbs() == ["create", "dispatch", "sign", "reply", "close"]


async def test_a_ticket_is_signed_replied_to_and_closed_by_replying_to_the_card(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    await user.reply(card, "签收")
    await user.expect("已签收")
    await user.reply(card, "进展 已派人到现场")
    await user.expect("进展已反馈")
    await user.reply(card, "答复 高度重视，已办")
    advice = await user.expect("温馨提示")
    assert await world.state() == "signed"  # nothing is kept before they have read it (XM32)
    assert await user.press(advice, "仍然提交") == "答复已提交。"
    await user.reply(card, "办结 满意")
    await world.settle()
    assert await world.state() == "closed"


async def test_a_return_is_submitted_once_it_has_reason_statement_and_seal(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "退单 不属于本单位职责")
    more = await user.expect("请补充：情况说明（照片或PDF）、公章")
    assert await world.state() == "signed"
    await user.send_document(reply_to=more, caption="情况说明")
    more = await user.expect("请补充：公章或分管领导签字的确认。")
    assert await user.press(more, "公章") == "退单申请已提交。"
    assert await world.state() == "return_review"
    request = await world.load_request()
    assert request.facts["signed_by"] == "seal" and request.facts["reason_code"] == "not_our_duty"
    assert request.facts["reason"] == "不属于本单位职责\n情况说明", "a caption is beside the reason, not in its place"
    assert len(request.facts["files"]) == 1 and request.timely
    assert not more.buttons


async def test_a_late_return_is_warned_of_before_it_is_submitted_M9a(world: World) -> None:
    user, card = await world.sign_by_button()
    world.pass_time(days=3)
    await user.send_photo(caption="退单 不属于本单位职责，已盖公章", reply_to=card)
    warning = await user.expect("按“退单不及时”统计，是否继续")
    assert await world.state() == "signed"
    await user.press(warning, "继续退单")
    assert await world.state() == "return_review"
    request = await world.load_request()
    assert request.timely is False


async def test_whoever_is_warned_of_a_late_return_may_still_keep_the_ticket(world: World) -> None:
    user, _ = await world.sign_by_button()
    world.pass_time(days=3)
    card = await world.send_card(user, "H1")
    await user.press(card, "申请退单")
    warning = await user.expect("是否继续")
    assert await user.press(warning, "返回办理") == "已返回，工单继续办理。"
    assert await world.state() == "signed" and not warning.buttons


async def test_the_photos_of_an_album_are_one_statement_and_are_confirmed_once(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.send_album([ONE_PIXEL_JPEG, ONE_PIXEL_JPEG], caption="退单 不属于本单位", reply_to=card)
    await world.settle()
    more = await user.expect("请补充：公章")
    await user.expect("【新工单】")
    assert user.list_unexpected() == []
    await user.press(more, "领导签字")
    request = await world.load_request()
    assert len(request.facts["files"]) == 2 and request.facts["signed_by"] == "leader"


async def test_a_reviewer_refuses_a_return_once_and_a_second_press_is_told_so_FT14(world: World) -> None:
    user, card = await world.sign_by_button()
    await user.send_document(caption="退单 不属于本单位 公章", reply_to=card)
    await world.settle()
    reviewer = await world.bind("R1")
    request = await world.load_request()
    card = await _send_review_card(world, reviewer, f"1.y.{request.id}.0", f"1.n.{request.id}.0", f"1.f.{request.id}.0")
    await reviewer.press(card, "查看材料")
    await reviewer.expect("情况说明.pdf")
    assert await reviewer.press(card, "不同意") == "请按提示回复消息。"
    question = await reviewer.expect("写明理由")
    await reviewer.reply(question, "属于贵单位职责")
    await reviewer.expect("已记录不同意")
    assert await world.state() == "signed"
    assert "审核" in (await reviewer.press(card, "同意") or "")  # decided by R1, and said so
    await world.settle()
    assert not card.buttons


async def _send_review_card(world: World, user: ChatUser, yes: str, no: str, files: str) -> Message:
    rows = ((Button("同意", yes), Button("不同意", no)), (Button("查看材料", files),))
    receipt = await world.network.channel.send(str(user.user_id), Card("待审核退单", rows))
    return user.chat.messages[int(receipt.provider_id)]


@pytest.mark.parametrize(("pressed", "way"), [("已电话联系上", "phone"), ("已当面联系上", "visit"), ("未联系上", None)])
async def test_a_contact_is_recorded_in_the_way_that_was_pressed(world: World, pressed: str, way: str | None) -> None:
    user, _ = await world.sign_by_button()
    card = await world.send_card(user, "H1")
    await user.press(card, "联系诉求人")
    question = await user.expect("是否联系上诉求人")
    assert "联系上" in (await user.press(question, pressed) or "")
    assert ((await world.load_assignment()).contacted_at is not None) is (way is not None)
    last = (await world.load()).last_entry
    assert last is not None and last.arguments.get("way") == way


@pytest.mark.parametrize(
    ("reply", "is_contact"),
    [
        ("答复 路灯已经更换，今晚起恢复照明。", False), ("答复 路灯已经更换，并已电话告知诉求人。", True),
        ("答复 路灯已经更换，已电话联系诉求人，无人接听。", False), ("答复 路灯已经更换，已当面告知诉求人。", True),
        ("答复 诉求人已电话反映多次，路灯已经更换。", False), ("答复 已电话通知施工单位更换路灯，今晚恢复。", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("with_photo", [False, True])
async def test_a_reply_is_a_contact_only_if_it_says_so_XM15(
    world: World, reply: str, is_contact: bool, with_photo: bool
) -> None:
    user, card = await world.sign_by_button()
    if with_photo:
        await user.send_photo(caption=reply, reply_to=card)
    else:
        await user.reply(card, reply)
    await user.expect("答复已提交")
    target = await world.load_assignment()
    assert (target.contacted_at is not None) is is_contact and (target.reply_way is not None) is is_contact


async def test_an_edited_reply_is_an_amendment_and_the_journal_keeps_the_original_FT29(world: World) -> None:
    user, card = await world.sign_by_button()
    reply = await user.reply(card, "答复 路灯已经换好，恢复照明。")
    await user.expect("答复已提交")
    await user.reply(card, "办结 满意")
    await world.settle()
    await user.edit(reply, "答复 路灯与线路均已更换，恢复照明。")
    await user.expect("作为补充说明记录")
    assert (await world.load_assignment()).reply_text == "路灯与线路均已更换，恢复照明。"
    history = await world.services.queries.load_history((await world.load_assignment()).ticket_id, None)
    assert history.lines[-1].verb == "amend" and history.lines[-1].arguments["before"].startswith("路灯已经换好")


async def test_voice_stickers_and_places_are_refused_and_a_pdf_is_taken_FT28(world: World) -> None:
    user, card = await world.sign_by_button()
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
    await world.settle()
    assert {state for state, _ in await world.list_inbox()} == {"done"}


async def test_words_without_a_card_are_about_the_only_ticket_in_hand_or_it_is_asked_which_XM9(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    await user.say("签收")
    await user.expect("已签收")
    await world.dispatch_ticket("T2")
    await user.say("答复 已办理完毕，请放心使用。")
    question = await user.expect("是哪一件")
    assert await world.state("T1") == "signed"
    assert question.buttons == ["T1", "取消"]  # T2 is not signed
    assert await user.press(question, "T1") == "答复已提交。"
    assert (await world.load_assignment("T1")).reply_text == "已办理完毕，请放心使用。"


@pytest.mark.parametrize("grade", [Grade.GENERAL, Grade.URGENT])
async def test_details_are_masked_and_reading_them_marks_the_assignment_as_opened(world: World, grade: Grade) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket(grade=grade, text="请联系我13800001234，路灯不亮")
    card = await world.send_card(user, "H1")
    assert await user.press(card, "查看详情") == "详情已发出。"
    details = await user.expect("【工单详情】T1")
    assert "13800001234" not in details.text and "路灯不亮" in details.text
    assert (await world.load_assignment()).opened_at is not None


async def test_an_urgent_ticket_can_be_passed_to_the_duty_colleague(world: World) -> None:
    user, other = await world.bind("H1"), await world.bind("H2")
    await world.dispatch_ticket(grade=Grade.URGENT)
    card = await world.send_card(user, "H1")
    assert await user.press(card, "转值班人员") == "已转告值班人员。"
    await other.expect("【紧急工单】T1")
    assert await other.press("签收") == "已签收。"


async def test_todo_lists_the_urgent_first_then_what_is_waited_for_next(world: World) -> None:
    user, _ = await world.sign_by_button()
    await world.dispatch_ticket("T2")
    await world.dispatch_ticket("T3", Grade.URGENT)
    await user.press(await world.send_card(user, "H1", "T3"), "签收")
    await user.say("/todo")
    todo = await user.expect("我的待办（3 件）")
    assert todo.buttons == ["T3", "T2", "T1"]


async def test_todo_and_ticket_show_what_the_own_unit_has_in_hand(world: World) -> None:
    user = await world.bind("H1")
    await user.say("/todo")
    await user.expect("当前没有待办工单")
    await world.dispatch_ticket()
    await world.dispatch_ticket("T2", Grade.URGENT)
    await user.say("/todo")
    todo = await user.expect("我的待办（2 件）")
    assert todo.buttons == ["T2", "T1"]  # the urgent one is due first
    await user.press(todo, "T2")
    await user.expect("【紧急工单】T2")
    await user.say("/ticket T1")
    await user.expect("【新工单】T1")
    await user.say("/ticket NOPE")
    await user.expect("没有找到该工单")
    outsider = await world.bind("H9")
    await outsider.say("/ticket T1")
    await outsider.expect("没有找到该工单")
    await outsider.say("/status")
    await outsider.expect("没有权限")


async def test_a_supervisor_looks_up_the_state_of_the_office_and_supervises(world: World) -> None:
    supervisor = await world.bind("S1")
    await world.dispatch_ticket()
    world.pass_time(days=30)
    await supervisor.say("/status")
    await supervisor.expect("待签收 1 件")
    await supervisor.say("/overdue")
    listed = await supervisor.expect("住建局（1 件）", timeout=30)  # after the chart, which a process of its own draws
    assert "T1　签收应于" in listed.text and listed.buttons == ["T1", "督办"]
    await supervisor.say("/unit 住建")
    summary = await supervisor.expect("待签收 1 件，办理中 0 件，超期 1 件")
    assert "经办人员 李明（未绑定）" in summary.text and "　T1　待签收" in summary.text
    await supervisor.say("/supervise T1 超期未办")
    await supervisor.press(await supervisor.expect("将对 T1 发起督办"), "确认")
    await supervisor.say("/quiet")
    await supervisor.expect("20:00-08:00")
    await supervisor.say("/help")
    await supervisor.expect("管理命令")
    assert "supervise" in await world.list_verbs()


async def test_a_reply_to_the_details_is_about_their_ticket(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket("T1")
    await world.dispatch_ticket("T2")
    card = await world.send_card(user, "H1", "T1")
    await user.press(card, "查看详情")
    details = await user.expect("【工单详情】T1")
    await user.reply(details, "签收")
    await user.expect("已签收")
    assert (await world.state("T1"), await world.state("T2")) == ("signed", "dispatched")


@pytest.mark.parametrize("way", ["buttons", "words"])
async def test_while_an_extension_is_reviewed_the_card_still_offers_reply_and_closing_XM20(
    world: World, way: str
) -> None:
    user, card = await world.sign_by_button()
    await user.reply(card, "延期 2 等待配件，已电话告知")
    await world.settle()
    card = await world.send_card(user, "H1")
    assert {"填写答复", "办结"} <= set(card.buttons) and "延期审核中" in card.text
    if way == "buttons":
        await user.press(card, "填写答复")
        await user.reply(await user.expect("写明：答复"), "路灯已经更换，今晚起恢复照明。")
    else:
        await user.reply(card, "答复 路灯已经更换，今晚起恢复照明。")
    await user.expect("答复已提交")
    card = await world.send_card(user, "H1")
    assert "办结" in card.buttons and "已答复" in card.text and "延期审核中" in card.text
    await user.reply(card, "办结 诉求人认可")
    await world.settle()
    assert await world.state() == "closed" and (await world.load_request()).decision == "withdrawn"
