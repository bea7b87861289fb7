"""Forged, outdated, foreign and too many presses and messages: nothing moves by them, and everybody is answered."""

import asyncio

from backend.domain.button_data import ButtonData, encode
from bot.flood import PRESS_COST, FloodLimiter
from tests.bot.world import DISPATCHER, World


async def test_forged_presses_are_refused_with_a_toast_and_an_audit_row_FT13(world: World) -> None:
    user, other = await world.bind("H1"), await world.bind("H9")
    assignment_id = await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    forged = [
        "x", f"1.zz.{assignment_id}.0", f"0.s.{assignment_id}", "1.s.99999999.0", "\x00" * 8, "签" * 21, "1.s..",
        f"1.s.{assignment_id}.0;--",
    ]  # fmt: skip
    for data in forged:
        press = await user.press_data(card, data)
        assert press.toast, data
    press = await other.press_data(await world.send_card(other, "H9"), await world.encode_press("sign"))
    assert "没有找到该工单" in (press.toast or "")
    assert await world.state() == "dispatched"
    events = await world.list_audit_events()
    assert len([event for event in events if event in ("forged_press", "press_refused")]) == len(forged) + 1


async def test_a_group_member_who_is_not_bound_cannot_act_by_pressing_FT34(world: World) -> None:
    bound, guest = await world.bind("H1"), world.get_user("H9")
    await world.dispatch_ticket()
    group = world.simulator.chat.create_group("住建局工单群", [bound, guest])
    card = await world.send_card(bound, "H1", chat_id=group.chat.id)
    toast = await group.get_participant(guest).press(card, "签收")
    assert "尚未绑定" in (toast or "")
    assert await world.state() == "dispatched"
    assert await group.get_participant(bound).press(card, "签收") == "已签收。"


async def test_the_bot_does_not_answer_what_members_of_a_group_say_to_each_other(world: World) -> None:
    bound = await world.bind("H1")
    group = world.simulator.chat.create_group("群", [bound])
    await group.get_participant(bound).say("中午吃什么")
    await world.settle()
    assert group.get_participant(bound).list_unexpected() == []


async def test_of_forty_presses_one_signs_and_the_others_are_told_who_did_FT15(world: World) -> None:
    first, second = await world.bind("H1"), await world.bind("H2")
    await world.dispatch_ticket()
    group = world.simulator.chat.create_group("群", [first, second])
    card = await world.send_card(first, "H1", chat_id=group.chat.id)
    data = await world.encode_press("sign")
    members = [group.get_participant(first), group.get_participant(second)] * 20
    presses = await asyncio.gather(*(member.press_data(card, data) for member in members))
    toasts = [press.toast for press in presses]
    assert toasts.count("已签收。") >= 1
    assert all(toast == "已签收。" or "已由 李明" in str(toast) or "已由 王芳" in str(toast) for toast in toasts)
    assert (await world.list_verbs()).count("sign") == 1


async def test_a_button_of_a_reassigned_ticket_is_answered_and_removed_FT14(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    await world.act("reassign", DISPATCHER, unit="U02")
    toast = await user.press(card, "签收")
    assert "已失效" in (toast or "")
    await world.settle()
    assert not card.buttons


async def test_an_outdated_card_is_brought_up_to_date_when_it_is_pressed_FT14(world: World) -> None:
    first, second = await world.bind("H1"), await world.bind("H2")
    await world.dispatch_ticket()
    current, outdated = await world.send_card(first, "H1"), await world.send_card(second, "H2")
    assert await first.press(current, "签收") == "已签收。"
    assert "已由 李明" in (await second.press(outdated, "签收") or "")
    await second.expect("T1", edit=True)
    assert "签收" not in outdated.buttons and "填写答复" in outdated.buttons


async def test_one_persons_flood_of_messages_is_turned_away_and_holds_up_nobody_else_FT35(world: World) -> None:
    flooding, calm = await world.bind("H1"), await world.bind("H2")
    for _ in range(120):
        await flooding.say("/help")
    await calm.say("/help")
    await calm.expect("我能帮您", timeout=3)
    await world.settle()
    answers = flooding.list_unexpected()
    assert sum("我能帮您" in answer for answer in answers) < 60
    assert sum("操作过于频繁" in answer for answer in answers) == 1


def test_working_through_a_long_list_of_buttons_is_no_flood_FT35() -> None:
    flood = FloodLimiter()
    assert all(flood.try_take("H1", 0.0, PRESS_COST) for _ in range(500))
    assert not all(flood.try_take("H1", 0.0, PRESS_COST) for _ in range(500))


async def test_unreadable_updates_of_all_kinds_are_kept_and_raise_nothing_FT7(world: World) -> None:
    deep = b'{"update_id": 5, "message": ' + b"[" * 1000 + b"]" * 1000 + b"}"
    for body in (b"{", b"[]", b"{}", b'{"update_id": "x"}', b'{"update_id": NaN}', b"\xff\xfe", deep,
                 b'{"update_id": 6, "update_id": 7}', b'{"update_id": 8, "message": {"chat": 3}}', b"\x00"):  # fmt: skip
        assert (await world.worker.receive("telegram", body)).is_new
        assert not (await world.worker.receive("telegram", body)).is_new
    await world.settle()
    assert {state for state, _ in await world.list_inbox()} == {"unreadable"}


async def test_markup_and_lone_surrogates_are_words_like_others_FT27(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    assert await user.press(card, "签收") == "已签收。"
    await user.reply(card, "答复 <b>&\u202e_*[]~ 已办理完毕 \ud83d")
    await user.expect("答复已提交")
    assert "<b>&" in ((await world.load_assignment()).reply_text or "")


def test_the_longest_press_fits_into_the_64_bytes_of_a_button() -> None:
    assert len(encode(ButtonData("not_reached", 10**15 - 1, 10**9 - 1)).encode()) <= 64
