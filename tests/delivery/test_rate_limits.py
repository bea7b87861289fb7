"""How fast messages leave: never faster than allowed, by however many workers, and the urgent before the rest."""

import asyncio
import time
from collections import defaultdict

import pytest

from backend.delivery import worker as worker_module
from backend.delivery.shared_limit import SharedRateLimiter
from backend.delivery.worker import DeliveryWorker
from backend.domain.records import Message
from backend.domain.ticket_enums import Grade
from notify.rate_limit import Bucket
from storage.delivery.rate_limit import SqlRateLimitStore
from storage.engine.database import Database
from tests.delivery.world import FakeChannel, World
from tests.figures import SIZES, Figures, choose_size

#: several times faster than a real bot and a real chat, so that a test is quick
BOT = Bucket("bot", rate=100, per_seconds=1.0, burst=1.2)
CHAT = Bucket("chat", rate=1, per_seconds=0.05)


class TimedChannel(FakeChannel):
    """Notes when each message came (monotonic seconds, address)."""

    def __init__(self) -> None:
        super().__init__(lambda address: (BOT, CHAT.for_subject(address)))
        self.times: list[tuple[float, str]] = []
        self.before = lambda address: self.times.append((time.monotonic(), address))


async def open_crowd(database: Database, channel: FakeChannel, messages: int) -> World:
    """A world of 40 people with chats, for whom `messages` about one withdrawn ticket wait."""
    crowd = [(f"P{number}", "U02", "liaison", True) for number in range(40)]
    staff = [*crowd, ("D1", "M01", "dispatcher", True), ("H1", "U01", "handler", True)]
    world = await World(database, channel).open(staff)
    world.in_real_time = True
    await world.create_ticket("B1")
    ticket_id = (await world.load("B1")).ticket.id
    await world.ids.refill(messages)
    await world.outbox.add([
        Message(world.ids.take(), "return_accepted", "telegram", f"P{i % 40}", ticket_id, None, 1, False, world.at, world.at)
        for i in range(messages)
    ])  # fmt: skip
    return world


async def run_until_idle(worker: DeliveryWorker) -> int:
    """Run as often as there is something to do (a run ends after a few seconds); how many runs did something."""
    runs = 0
    while await worker.run_once():
        runs += 1
    return runs


def list_too_early(times: list[float], bucket: Bucket, began: float) -> list[int]:
    """Which of these messages, all under one limit, came sooner than it allows; a busy machine only delays them."""
    return [n for n, at in enumerate(times) if at < began + (n + 1 - bucket.burst) * bucket.interval - 0.001]


@SIZES
@pytest.mark.parametrize("workers", [1, 4])
async def test_waiting_messages_never_leave_faster_than_allowed_over_all_workers_FT19_FM11_G10(
    database: Database, workers: int, size: str, figures: Figures
) -> None:
    count = choose_size(size, small=200, quick=400, full=1_000)
    channel = TimedChannel()
    world = await open_crowd(database, channel, messages=count)
    limiters = [
        SharedRateLimiter(SqlRateLimitStore(database), time.monotonic) if workers > 1 else None for _ in range(workers)
    ]
    running = [world.build_worker(f"w{number}", rate_limiter=limiter) for number, limiter in enumerate(limiters)]
    began = time.monotonic()
    await asyncio.gather(*(run_until_idle(worker) for worker in running))
    took = time.monotonic() - began
    assert len(channel.sent) == count
    assert len({s.message_id for s in channel.sent}) == count and not any("重发" in s.text for s in channel.sent)
    by_chat: dict[str, list[float]] = defaultdict(list)
    for at, address in channel.times:
        by_chat[address].append(at)
    early = len(list_too_early([at for at, _ in channel.times], BOT, began))
    early += sum(len(list_too_early(times, CHAT, began)) for times in by_chat.values())
    ideal = max((count - BOT.burst) * BOT.interval, (count / 40 - 1) * CHAT.interval)
    figures.report("G10", messages=count, workers=workers, early=early, of_ideal=took / ideal)
    for worker in running:
        await worker.close()


async def test_an_urgent_card_overtakes_a_long_queue_FM6(database: Database) -> None:
    channel = TimedChannel()
    world = await open_crowd(database, channel, messages=400)
    worker = world.build_worker()
    world.tickets.listeners.add(worker.wake)
    sending = asyncio.create_task(worker.run_once())
    while len(channel.sent) < 20:
        await asyncio.sleep(0.01)
    await world.dispatch_ticket("U9", Grade.URGENT)
    while not channel.list_sent("chat-H1"):
        await asyncio.sleep(0.01)
    assert len(channel.sent) < 150
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await worker.close()


async def test_a_silent_network_does_not_hold_up_the_urgent_FT25(world: World) -> None:
    answers = asyncio.Event()
    world.channel.buckets = lambda address: (Bucket("bot", 10_000, 1.0, 100.0),)
    world.channel.before = lambda address: answers.wait() if address != "chat-H1" else None
    worker = world.build_worker(at_once=2)
    for number in range(3):
        await world.dispatch_ticket(f"T{number}", unit="U02")
    running = asyncio.create_task(worker.run_once())
    await asyncio.sleep(0.1)
    await world.dispatch_ticket("U1", Grade.URGENT)
    worker.wake()
    for _ in range(200):
        if world.channel.list_sent("chat-H1"):
            break
        await asyncio.sleep(0.02)
    assert len(world.channel.list_sent("chat-H1")) == 1
    answers.set()
    await running
    await worker.close()


async def test_the_next_run_goes_on_where_a_run_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "RUN_SECONDS", 0.1)
    world.channel.buckets = lambda address: (Bucket("bot", 20, 1.0),)
    for number in range(4):
        await world.dispatch_ticket(f"T{number}")
    world.in_real_time = True
    worker = world.build_worker()
    assert await run_until_idle(worker) > 1 and len(world.channel.sent) == 8
    await worker.close()
