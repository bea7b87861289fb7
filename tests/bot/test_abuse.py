"""Forged, stale, repeated, foreign and flooding: what must not move does not, and everybody is answered."""

import asyncio
from datetime import timedelta
from typing import Any

from backend.domain.button_data import ButtonData, encode
from bot.flood import PRESS_COST, FloodLimiter
from sandbox.faults import Fault
from storage.delivery.leases import void_leases
from tests.bot.world import DISPATCHER, World


async def test_forged_presses_are_refused_with_a_toast_and_an_audit_row_FT13(world: World) -> None:
    user, stranger = await world.bound("H1"), await world.bound("H9")
    number = await world.ticket()
    card = await world.card(user, "H1")
    forged = ["x", "1.zz.1.0", f"0.s.{number}", "1.s.99999999.0", "\x00" * 8, "签" * 21, "1.s..", f"1.s.{number}.0;--"]
    for data in forged:
        press = await user.press_data(card, data)
        assert press.toast, data
    other = await stranger.press_data(await world.card(stranger, "H9"), await world.data("sign"))
    assert "没有找到该工单" in (other.toast or "")
    assert await world.state() == "dispatched"
    assert len([what for what in await world.audited() if what in ("forged_press", "press_refused")]) == len(forged) + 1


async def test_a_group_member_without_binding_presses_in_vain_FT34(world: World) -> None:
    bound, guest = await world.bound("H1"), world.user("H9")
    await world.ticket()
    group = world.town.chat.create_group("住建局工单群", [bound, guest])
    card = await world.card(bound, "H1", address=group.chat.id)
    toast = await group.get_participant(guest).press(card, "签收")
    assert "尚未绑定" in (toast or "")
    assert await world.state() == "dispatched"
    assert await group.get_participant(bound).press(card, "签收") == "已签收。"


async def test_people_of_a_group_may_talk_with_each_other(world: World) -> None:
    bound = await world.bound("H1")
    group = world.town.chat.create_group("群", [bound])
    await group.get_participant(bound).say("中午吃什么")
    await world.quiet()
    assert group.get_participant(bound).list_unexpected() == []


async def test_a_group_that_became_a_supergroup_is_followed_FT21(world: World) -> None:
    bound = await world.bound("H1")
    await world.ticket()
    group = world.town.chat.create_group("群", [bound])
    await world.card(bound, "H1", address=group.chat.id)
    group.migrate()
    await world.quiet()
    held = await world.house.card_store.list_by_assignment((await world.assignment()).id)
    assert held == []  # messages of the old chat are gone; the next goes to the new one
    assert {state for state, _ in await world.inboxes()} == {"done"}


async def test_forty_press_and_one_signs_the_rest_are_told_who_FT15(world: World) -> None:
    first, second = await world.bound("H1"), await world.bound("H2")
    await world.ticket()
    group = world.town.chat.create_group("群", [first, second])
    card = await world.card(first, "H1", address=group.chat.id)
    data = await world.data("sign")
    seats = [group.get_participant(first), group.get_participant(second)] * 10
    presses = await asyncio.gather(*(seat.press_data(card, data) for seat in seats))
    toasts = [p.toast for p in presses]
    assert toasts.count("已签收。") >= 1
    assert all(t == "已签收。" or "已由 李明" in str(t) or "已由 王芳" in str(t) for t in toasts)
    assert (await world.moves_of()).count("sign") == 1


async def test_a_button_on_an_outdated_message_is_answered_and_removed_FT14(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    await world.act("reassign", DISPATCHER, unit="U02")
    toast = await user.press(card, "签收")
    assert "已失效" in (toast or "")
    await world.quiet()
    assert not card.buttons


async def test_a_stale_card_is_drawn_as_it_is_now_FT14(world: World) -> None:
    first, second = await world.bound("H1"), await world.bound("H2")
    await world.ticket()
    one, two = await world.card(first, "H1"), await world.card(second, "H2")
    assert await first.press(one, "签收") == "已签收。"
    assert "已由 李明" in (await second.press(two, "签收") or "")
    await second.expect("T1", edit=True)
    assert "签收" not in two.buttons and "填写答复" in two.buttons


async def test_an_answer_that_comes_too_late_is_swallowed_FT12(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    world.town.chat.faults.plan_next(Fault.SERVER_ERROR, where="answerCallbackQuery")
    world.town.chat.press_as_person(card, user.account, await world.data("sign"))
    await world.quiet()
    assert await world.state() == "signed"
    assert (await world.inboxes())[-1] == ("done", 1)


async def test_the_same_update_five_times_has_one_effect_FT1(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    body: dict[str, Any] = {}

    def keep(kind: str, given: dict[str, Any], lane: int) -> None:
        body.update({"update_id": 900_000_001, kind: given})

    add, world.town.chat.updates.add = world.town.chat.updates.add, keep  # type: ignore[method-assign]
    world.town.chat.press_as_person(card, user.account, await world.data("sign"))
    world.town.chat.updates.add = add  # type: ignore[method-assign]
    for _ in range(5):
        world.town.chat.updates.redeliver(body)
    await world.quiet()
    assert (await world.moves_of()).count("sign") == 1
    assert len([1 for state, _ in await world.inboxes()]) == 3  # start, contact, press


async def test_ids_that_fall_after_a_quiet_week_are_processed_FT4(world: World) -> None:
    user = await world.bound("H1")
    await asyncio.sleep(1.2)  # one empty getUpdates: the quiet week
    world.town.chat.updates.next_id = 17
    await user.say("/help")
    await user.expect("我能帮您")


async def test_a_failing_handler_keeps_its_update_and_says_so_once_FT8(world: World) -> None:
    user = await world.bound("H1")
    real, tries = world.house.chat_state.list_todo, []

    async def broken(unit: str, limit: int) -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("an accident")
        return await real(unit, limit)

    world.house.chat_state.list_todo = broken  # type: ignore[method-assign]
    await user.say("/todo")
    await user.expect("系统出现问题")
    for _ in range(40):
        await asyncio.sleep(0.02)
        world.wall = world.wall.replace(minute=(world.wall.minute + 1) % 60)
        world.door.on_received()
        if len(tries) == 3:
            break
    await user.expect("当前没有待办工单")
    assert user.list_unexpected() == []
    await world.quiet()
    assert (await world.inboxes())[-1] == ("done", 3)


async def test_one_users_flood_is_turned_away_FT35(world: World) -> None:
    loud, calm = await world.bound("H1"), await world.bound("H2")
    for _ in range(120):
        await loud.say("/help")
    await calm.say("/help")
    await calm.expect("我能帮您", timeout=3)
    await world.quiet()
    texts = loud.list_unexpected()
    assert sum("我能帮您" in t for t in texts) < 60
    assert sum("操作过于频繁" in t for t in texts) == 1


def test_whoever_works_through_a_long_list_of_buttons_is_no_flood_FT35() -> None:
    flood = FloodLimiter()
    assert all(flood.try_take("H1", 0.0, PRESS_COST) for _ in range(500))
    assert not all(flood.try_take("H1", 0.0, PRESS_COST) for _ in range(500))


async def test_a_second_poller_idles_FT30(world: World) -> None:
    from bot.receive import InboxWorker

    other = InboxWorker(world.house, world.inbox, "w2", poll_seconds=1, idle_seconds=0.05)
    rival = asyncio.create_task(other.poll())
    user = await world.bound("H1")
    await user.say("/help")
    await user.expect("我能帮您")
    assert not [v for v in world.town.chat.refused if v.code == 409]
    rival.cancel()


async def test_what_waits_while_the_house_is_closed_is_not_dropped_FT31(world: World) -> None:
    user = await world.bound("H1")
    for task in world._tasks:
        task.cancel()
    await asyncio.gather(*world._tasks, return_exceptions=True)
    await user.say("/help")
    await world.reopen()
    await user.expect("我能帮您")


async def test_nonsense_of_all_kinds_is_kept_and_never_raises_FT7(world: World) -> None:
    deep = b'{"update_id": 5, "message": ' + b"[" * 1000 + b"]" * 1000 + b"}"
    for body in (b"{", b"[]", b"{}", b'{"update_id": "x"}', b'{"update_id": NaN}', b"\xff\xfe", deep,
                 b'{"update_id": 6, "update_id": 7}', b'{"update_id": 8, "message": {"chat": 3}}', b"\x00"):  # fmt: skip
        assert await world.door.receive("telegram", body)
        assert not await world.door.receive("telegram", body)
    await world.quiet()
    assert {state for state, _ in await world.inboxes()} == {"unreadable"}


async def test_lone_surrogates_and_marks_are_words_like_others_FT27(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket()
    card = await world.card(user, "H1")
    assert await user.press(card, "签收") == "已签收。"
    await user.reply(card, "答复 <b>&\u202e_*[]~ 已办理完毕 \ud83d")
    await user.expect("答复已提交")
    assert "<b>&" in ((await world.assignment()).reply_text or "")


def test_press_words_fit_into_a_button() -> None:
    assert len(encode(ButtonData("not_reached", 10**15 - 1, 10**9 - 1)).encode()) <= 64


async def test_gateways_pages_and_cut_answers_stop_no_poller_FT23(world: World) -> None:
    user = await world.bound("H1")
    for fault in (Fault.BAD_GATEWAY, Fault.TRUNCATED, Fault.EMPTY, Fault.SERVER_ERROR, Fault.CUT_AFTER):
        world.town.chat.faults.plan_next(fault, where="getUpdates")
    await user.say("/help")
    await user.expect("我能帮您", timeout=10)


async def test_a_messenger_away_at_the_start_gets_the_webhook_later_FT23_FT31(world: World) -> None:
    for fault in (Fault.BAD_GATEWAY, Fault.CUT_BEFORE, Fault.SERVER_ERROR):
        world.town.chat.faults.plan_next(fault, where="setWebhook")
    await world.door.set_webhook("https://office.example/hooks/telegram", "a-secret-of-the-tests")
    assert world.town.chat.updates.webhook.secret == "a-secret-of-the-tests"


async def test_a_killed_process_leaves_nothing_behind_FT9(world: World) -> None:
    user = await world.bound("H1")
    for task in world._tasks:
        task.cancel()
    await asyncio.gather(*world._tasks, return_exceptions=True)
    await world.door.receive("telegram", _words(world, user.user_id))
    assert await world.inbox.claim("telegram", "killed", 1)
    assert await world.inbox.acquire_lease(f"poll:{world.house.bot.id}", "killed", timedelta(days=900))
    assert await void_leases(world.db) == 2
    await world.door.prepare()
    await world.reopen()
    world.door.on_received()
    await user.expect("我能帮您")
    await user.say("/todo")
    await user.expect("当前没有待办工单")


def _words(world: World, user: int) -> bytes:
    import json

    who = {"id": user, "is_bot": False, "first_name": "x"}
    message = {"message_id": 9_000, "date": 1, "chat": {"id": user, "type": "private"}, "from": who, "text": "/help"}
    return json.dumps({"update_id": 77, "message": message}).encode()


async def test_a_reply_to_the_details_is_about_that_ticket(world: World) -> None:
    user = await world.bound("H1")
    await world.ticket("T1")
    await world.ticket("T2")
    card = await world.card(user, "H1", "T1")
    await user.press(card, "查看详情")
    shown = await user.expect("【工单详情】T1")
    await user.reply(shown, "签收")
    await user.expect("已签收")
    assert (await world.state("T1"), await world.state("T2")) == ("signed", "dispatched")
