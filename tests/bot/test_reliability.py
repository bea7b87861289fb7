"""Updates have their effect once and people their answer, whatever the network, the database or a process does."""

import asyncio
import json
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from backend.ports.availability import Unavailable
from bot.receive import InboxWorker
from notify.rate_limit import Bucket
from sandbox.faults import Fault
from storage.delivery.inbox import MAX_ATTEMPTS
from storage.delivery.leases import void_leases
from tests.bot.world import World
from tests.simulated_networks import TELEGRAM_TOKEN
from tests.telegram import build_telegram


async def test_an_update_that_comes_five_times_has_one_effect_FT1(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    update: dict[str, Any] = {}

    def keep(kind: str, content: dict[str, Any], lane: int) -> None:
        update.update({"update_id": 900_000_001, kind: content})

    updates = world.simulator.chat.updates
    add, updates.add = updates.add, keep  # type: ignore[method-assign]
    world.simulator.chat.press_as_person(card, user.account, await world.encode_press("sign"))
    updates.add = add  # type: ignore[method-assign]
    for _ in range(5):
        updates.redeliver(update)
    await world.settle()
    assert (await world.list_verbs()).count("sign") == 1
    assert len(await world.list_inbox()) == 3  # start, contact, press


async def test_updates_whose_ids_fall_after_a_quiet_week_are_handled_FT4(world: World) -> None:
    user = await world.bind("H1")
    await asyncio.sleep(1.2)  # one getUpdates without a result, for the quiet week
    world.simulator.chat.updates.next_id = 17
    await user.say("/help")
    await user.expect("我能帮您")


async def test_a_handler_that_fails_is_run_again_and_the_person_told_once_FT8(world: World) -> None:
    user = await world.bind("H1")
    list_todo, attempts = world.services.chat_state.list_todo, []

    async def fail_twice(unit: str, limit: int) -> Any:
        attempts.append(1)
        if len(attempts) < 3:
            raise RuntimeError("an accident")
        return await list_todo(unit, limit)

    world.services.chat_state.list_todo = fail_twice  # type: ignore[method-assign]
    await user.say("/todo")
    await user.expect("系统出现问题")
    for _ in range(40):
        await asyncio.sleep(0.02)
        world.wall = world.wall.replace(minute=(world.wall.minute + 1) % 60)
        world.worker.on_received()
        if len(attempts) == 3:
            break
    await user.expect("当前没有待办工单")
    assert user.list_unexpected() == []
    await world.settle()
    assert (await world.list_inbox())[-1] == ("done", 3)


async def test_a_database_that_is_busy_costs_an_update_no_try_and_the_person_hears_nothing_of_it_XR13(
    world: World,
) -> None:
    user = await world.bind("H1")
    list_todo, tries = world.services.chat_state.list_todo, []

    async def be_busy(unit: str, limit: int) -> Any:
        tries.append(1)
        if len(tries) <= 2 * MAX_ATTEMPTS:
            raise Unavailable("pool")
        return await list_todo(unit, limit)

    world.services.chat_state.list_todo = be_busy  # type: ignore[method-assign]
    await user.say("/todo")
    for _ in range(200):
        await asyncio.sleep(0.02)
        world.wall += timedelta(seconds=2)
        world.worker.on_received()
        if len(tries) > 2 * MAX_ATTEMPTS:
            break
    await user.expect("当前没有待办工单")
    assert user.list_unexpected() == []
    await world.settle()
    assert (await world.list_inbox())[-1] == ("done", 1)


async def test_a_killed_process_leaves_nothing_that_holds_up_the_next_FT9(world: World) -> None:
    user = await world.bind("H1")
    await world.stop()
    await world.worker.receive("telegram", _encode_help_command(user.user_id))
    assert await world.inbox.claim("telegram", "killed", 1)
    poll_lease = f"poll:{world.network.bot.id}"
    assert await world.inbox.acquire_lease(poll_lease, "killed", timedelta(days=900))
    assert await void_leases(world.db) == 2
    await world.worker.prepare()
    world.start()
    world.worker.on_received()
    await user.expect("我能帮您")
    await user.say("/todo")
    await user.expect("当前没有待办工单")


def _encode_help_command(user_id: int, number: int = 0) -> bytes:
    message = {
        "message_id": 9_000 + number, "date": 1, "chat": {"id": user_id, "type": "private"}, "text": "/help",
        "from": {"id": user_id, "is_bot": False, "first_name": "x"},
    }  # fmt: skip
    return json.dumps({"update_id": 77 + number, "message": message}).encode()


async def test_the_effect_and_the_end_of_an_update_are_one_transaction_FT10(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")

    async def die(ids: Collection[int]) -> None:
        raise SystemError("killed before it could say so")

    await world.settle()
    mark_done, world.inbox.mark_done = world.inbox.mark_done, die  # type: ignore[method-assign]
    assert await user.press(card, "签收") == "已签收。"
    await asyncio.sleep(0.05)
    assert (await world.list_inbox())[-1] == ("done", 1)
    world.inbox.mark_done = mark_done  # type: ignore[method-assign]


async def test_an_answer_to_a_press_that_the_network_no_longer_takes_changes_nothing_FT12(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    world.simulator.chat.faults.plan_next(Fault.SERVER_ERROR, where="answerCallbackQuery")
    world.simulator.chat.press_as_person(card, user.account, await world.encode_press("sign"))
    await world.settle()
    assert await world.state() == "signed"
    assert (await world.list_inbox())[-1] == ("done", 1)


async def test_a_press_is_answered_within_a_second_even_when_the_office_is_slow(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    load = world.tickets.moves.load

    async def load_slowly(ref: Any) -> Any:
        await asyncio.sleep(1.2)
        return await load(ref)

    world.tickets.moves.load = load_slowly  # type: ignore[method-assign]
    began = asyncio.get_running_loop().time()
    assert await user.press(card, "签收") == "正在处理，请稍候。"
    assert asyncio.get_running_loop().time() - began < 1.0
    await user.expect("已签收。")


class OneChatLimiter:
    """A rate limiter that lets nothing be sent to one chat."""

    def __init__(self) -> None:
        self.blocked = ""

    async def try_acquire(self, buckets: Sequence[Bucket]) -> float:
        return 0.5 if self.blocked and any(self.blocked in bucket.key for bucket in buckets) else 0.0


async def test_a_chat_that_must_wait_holds_up_no_other_FT17(world: World) -> None:
    limiter = world.services.rate_limiter = OneChatLimiter()
    waiting, other = await world.bind("H1"), await world.bind("H2")
    limiter.blocked = str(waiting.user_id)
    await waiting.say("/help")
    await asyncio.sleep(0.1)
    await other.say("/help")
    await other.expect("我能帮您", timeout=1.0)
    assert not waiting.list_unexpected()
    limiter.blocked = ""
    await waiting.expect("我能帮您")


async def test_what_is_said_next_waits_for_the_end_of_what_was_done_before_FT3_FT10(world: World) -> None:
    """The act marks its update as done; what its handler does afterwards still comes before the next message."""
    user = await world.bind("S1")
    await world.dispatch_ticket()
    delete = world.services.chat_state.delete_draft

    async def delete_slowly(*about: Any) -> None:
        await asyncio.sleep(0.3)
        await delete(*about)

    world.services.chat_state.delete_draft = delete_slowly  # type: ignore[method-assign]
    await user.say("/supervise T1 超期未办")
    await user.expect("是否确认")
    await user.say("确认")
    await user.expect("已发起督办")
    await user.say("确认")
    await user.expect("没有识别到要办的事项")
    assert (await world.list_verbs()).count("supervise") == 1


async def test_a_group_that_became_a_supergroup_leaves_no_card_behind_FT21(world: World) -> None:
    bound = await world.bind("H1")
    assignment_id = await world.dispatch_ticket()
    group = world.simulator.chat.create_group("群", [bound])
    await world.send_card(bound, "H1", chat_id=group.chat.id)
    assert len(await world.services.card_store.list_by_assignment(assignment_id)) == 1
    group.migrate()
    await world.settle()
    # the old chat and its messages are gone; the next message goes to the new one
    assert await world.services.card_store.list_by_assignment(assignment_id) == []
    assert {state for state, _ in await world.list_inbox()} == {"done"}


async def test_bad_gateways_and_cut_answers_stop_no_poller_FT23(world: World) -> None:
    user = await world.bind("H1")
    for fault in (Fault.BAD_GATEWAY, Fault.TRUNCATED, Fault.EMPTY, Fault.SERVER_ERROR, Fault.CUT_AFTER):
        world.simulator.chat.faults.plan_next(fault, where="getUpdates")
    await user.say("/help")
    await user.expect("我能帮您", timeout=10)


async def test_a_network_away_at_the_start_gets_the_webhook_later_FT23_FT31(world: World) -> None:
    for fault in (Fault.BAD_GATEWAY, Fault.CUT_BEFORE, Fault.SERVER_ERROR):
        world.simulator.chat.faults.plan_next(fault, where="setWebhook")
    url, secret = "https://office.example/hooks/telegram", "a-secret-of-the-tests"
    hooked = build_telegram(TELEGRAM_TOKEN, world.url, hook_url=url, secret=secret)
    await world.worker.listen(hooked, url)
    await hooked.close()
    assert world.simulator.chat.updates.webhook.secret == "a-secret-of-the-tests"


async def test_a_second_process_does_not_poll_while_the_first_does_FT30(world: World) -> None:
    second = InboxWorker(world.services, world.inbox, "w2", lambda: None)
    polling = asyncio.create_task(second.listen(world.network, ""))
    user = await world.bind("H1")
    await user.say("/help")
    await user.expect("我能帮您")
    assert not [refused for refused in world.simulator.chat.refused if refused.code == 409]
    polling.cancel()


async def test_what_was_said_while_no_process_ran_is_answered_afterwards_FT31(world: World) -> None:
    user = await world.bind("H1")
    await world.stop()
    await user.say("/help")
    world.start()
    await user.expect("我能帮您")


async def test_a_stop_amid_fifty_updates_loses_none_and_repeats_no_effect_FT11(world: World) -> None:
    user = await world.bind("H1")
    await world.dispatch_ticket()
    card = await world.send_card(user, "H1")
    updates = [_encode_help_command(user.user_id, number) for number in range(50)]
    await asyncio.gather(*(world.worker.receive("telegram", update) for update in updates[:25]))
    world.simulator.chat.press_as_person(card, user.account, await world.encode_press("sign"))
    await asyncio.sleep(0.15)
    await world.stop()
    await asyncio.gather(*(world.worker.receive("telegram", update) for update in updates))  # some for the second time
    await void_leases(world.db)
    world.start()
    world.worker.on_received()
    await world.settle()
    assert (await world.list_verbs()).count("sign") == 1
    states = [state for state, _ in await world.list_inbox()]
    assert len(states) == 53 and set(states) == {"done"}  # start, contact, press, and the fifty
