"""Workers that die, pause, compete or are stopped: each message is sent once, and none is lost."""

import asyncio
import errno
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from backend.app.workers import Worker
from backend.domain.records import Message
from backend.ports.outbox import Ask, SendResult
from notify.message import Card
from tests.delivery.world import DISPATCHER, World


async def test_no_transaction_is_open_while_the_network_is_silent_FT25(world: World) -> None:
    async def regrade() -> None:
        await asyncio.wait_for(world.act("regrade", DISPATCHER, "T2", grade="urgent", reason="升级"), 5)

    await world.create_ticket("T2")
    await world.dispatch_ticket("T1")
    meanwhile = [regrade()]
    world.channel.before = lambda _: meanwhile.pop() if meanwhile else None
    await world.worker.run_once()
    assert len(world.channel.sent) == 2 and not meanwhile


async def test_a_message_that_cannot_be_rendered_is_given_up_alone_and_the_others_go_on_FM7(world: World) -> None:
    await world.dispatch_ticket()
    await world.add_message("M99", "H1")
    for _ in range(7):
        await world.worker.run_once()
        world.pass_time(minutes=1)
    states = await world.list_states()
    assert states["M99", "H1"] == ["dead"] and states["ticket_dispatched", "H1"] == ["sent"]


async def test_the_message_of_a_lost_worker_is_sent_by_another_marked_and_the_late_owner_refused_FM1_FM4_FM15(
    world: World,
) -> None:
    await world.dispatch_ticket()
    [first] = await world.outbox.list_waiting(["telegram"], world.at, 1)
    lease = timedelta(seconds=45)
    [claimed] = await world.outbox.claim("lost", ["telegram"], world.at, 1, lease, [first.id], ask=[first.id])
    await world.worker.run_once()
    assert len(world.channel.sent) == 1  # the other handler's; this one is claimed
    world.pass_time(seconds=46)
    await world.worker.run_once()
    assert [s.text[:4] for s in world.channel.sent][1:] == ["（重发）"]
    late = SendResult(claimed.message.id, "lost", 1, "failed", world.at, error="late")
    assert await world.outbox.settle([late]) == [False]
    assert not await world.outbox.renew("lost", [first.id], lease)
    assert (await world.list_states())[first.kind, first.person] == ["sent"]


async def test_a_worker_paused_longer_than_its_lease_does_not_send_what_another_has_sent_FS15_FM3_G6(
    world: World,
) -> None:
    await world.dispatch_ticket()
    other = world.build_worker("w2")
    render = world.renderer.render
    paused, go_on = asyncio.Event(), asyncio.Event()

    async def render_with_a_pause(message: Message) -> Card | None:
        if message.person == "H1" and not paused.is_set():
            paused.set()
            await go_on.wait()
        return await render(message)

    world.renderer.render = render_with_a_pause  # type: ignore[method-assign]
    first = asyncio.create_task(world.worker.run_once())
    await paused.wait()
    while not world.channel.sent:  # the other handler's message, whose sending would renew both leases
        await asyncio.sleep(0.01)
    world.pass_time(seconds=60)  # as after SIGSTOP: the lease has run out, another worker is at it
    await other.run_once()
    go_on.set()
    await first
    assert len(world.channel.list_sent("chat-H1")) == 1
    assert (await world.list_states())["ticket_dispatched", "H1"] == ["sent"]
    await other.close()


async def test_four_workers_send_each_message_once_FM8(world: World) -> None:
    for number in range(10):
        await world.dispatch_ticket(f"T{number}")
    others = [world.build_worker(f"w{number}") for number in range(2, 5)]
    await asyncio.gather(*(worker.run_once() for worker in (world.worker, *others)))
    assert len(world.channel.sent) == 20
    assert len({(s.address, s.text) for s in world.channel.sent}) == 20


async def test_a_database_away_after_a_send_is_tried_again_and_nothing_is_sent_twice_G5(world: World) -> None:
    await world.dispatch_ticket()
    settle, failures = world.outbox.settle, [True, True]

    async def fail_twice(results: Sequence[SendResult | Ask]) -> list[bool]:
        if failures:
            failures.pop()
            raise OSError("the database is away")
        return await settle(results)

    world.outbox.settle = fail_twice  # type: ignore[method-assign]
    await world.worker.run_once()
    world.pass_time(seconds=60)
    await world.worker.run_once()
    assert len(world.channel.sent) == 2 and not failures
    assert {s for states in (await world.list_states()).values() for s in states if s != "pending"} == {"sent"}


async def test_a_new_message_wakes_a_waiting_worker_at_once_P4(world: World) -> None:
    world.tickets.listeners.add(world.worker.wake)
    waiting = asyncio.create_task(world.worker.wait(30))
    await world.dispatch_ticket()
    await asyncio.wait_for(waiting, 2)
    await world.worker.run_once()
    assert len(world.channel.sent) == 2


async def test_a_worker_told_to_stop_finishes_what_it_sends_and_claims_nothing_more_FM2(world: World) -> None:
    for number in range(5):
        await world.dispatch_ticket(f"T{number}")
    gate = asyncio.Event()
    world.channel.before = lambda _: gate.wait()
    worker = world.build_worker(at_once=2)
    running = asyncio.create_task(worker.run_once())
    while not world.channel.requested:
        await asyncio.sleep(0.01)
    closing = asyncio.create_task(worker.close())
    await asyncio.sleep(0.01)
    gate.set()
    await closing
    await running
    states = [
        state
        for number in range(5)
        for d in await world.list_deliveries(f"T{number}", channel="telegram")
        if d.message.kind == "ticket_dispatched"
        for state in [d.message.state]
    ]
    assert "sending" not in states and len(world.channel.sent) == states.count("sent")
    assert await worker.run_once() == 0


@pytest.mark.parametrize("trouble", [MemoryError("no memory"), OSError(errno.EMFILE, "Too many open files")])
async def test_a_process_short_of_memory_or_file_handles_loses_nothing_and_goes_on_FM12(
    world: World, trouble: Exception
) -> None:
    await world.dispatch_ticket()
    load, failures = world.outbox.list_waiting, [trouble, trouble]

    async def fail_twice(*arguments: Any, **named: Any) -> Any:
        if failures:
            raise failures.pop()
        return await load(*arguments, **named)

    world.outbox.list_waiting = fail_twice  # type: ignore[method-assign]
    worker = Worker("delivery", world.worker.run_once, time.monotonic)
    running = asyncio.create_task(worker.run_forever(safety_seconds=0.01))
    async with asyncio.timeout(20):
        while len(world.channel.sent) < 2:
            worker.wake()
            await asyncio.sleep(0.01)
    running.cancel()
    assert not failures and len({(s.address, s.text) for s in world.channel.sent}) == 2
