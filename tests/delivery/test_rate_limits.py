"""How fast letters leave: never faster than allowed, by however many workers, and the urgent before the rest."""

import asyncio
import time
from collections import defaultdict

import pytest

from backend.delivery.shared_limit import SharedRateLimiter
from backend.domain.records import Message
from backend.ports.moves import TicketRef
from notify.rate_limit import Bucket
from storage.delivery.rate_limit import SqlRateLimitStore
from tests.delivery.world import FakeChannel, House

#: thirty times the pace of a real bot, so that a test is quick
BOT = Bucket("bot", rate=100, per_seconds=1.0, burst=1.2)
CHAT = Bucket("chat", rate=1, per_seconds=0.05)


def paced(address: str) -> tuple[Bucket, ...]:
    return (BOT, CHAT.for_subject(address))


class Timed(FakeChannel):
    """Notes when each message came."""

    def __init__(self) -> None:
        super().__init__(paced)
        self.times: list[tuple[float, str]] = []
        self.before = lambda address: self.times.append((time.monotonic(), address))


async def bulk(house: House, letters: int, chats: int) -> None:
    """General notices about one cancelled ticket, spread over chats."""
    await house.ticket("B1")
    snap = await house.moves.load(TicketRef(no="B1"))
    assert snap is not None
    await house.ids.refill(letters)
    await house.messages.add([
        Message(house.ids.take(), "M10", "telegram", f"P{i % chats}", snap.ticket.id, None, 1, False, house.at, house.at)
        for i in range(letters)
    ])  # fmt: skip


def people(chats: int) -> tuple[tuple[str, str, str, bool], ...]:
    crowd = ((f"P{i}", "U02", "liaison", True) for i in range(chats))
    return (*crowd, ("D1", "M01", "dispatcher", True), ("H1", "U01", "handler", True))


def at_most(times: list[float], count: float, window: float) -> bool:
    times = sorted(times)
    return all(sum(t0 <= t < t0 + window for t in times[i:]) <= count for i, t0 in enumerate(times))


@pytest.mark.parametrize("workers", [1, 4])
async def test_queued_pushes_keep_the_pace_over_all_workers_and_lose_little_time_FT19_FM11(
    database, workers: int
) -> None:  # type: ignore[no-untyped-def]
    channel = Timed()
    house = await House(database, channel).open(people(40))
    await bulk(house, 200, 40)
    pacers = [
        SharedRateLimiter(SqlRateLimitStore(database), time.monotonic) if workers > 1 else None for _ in range(workers)
    ]
    house.in_real_time = True
    couriers = [house.new_courier(f"w{n}", pacer=p) for n, p in enumerate(pacers)]
    began = time.monotonic()
    await asyncio.gather(*(c.run_once() for c in couriers))
    took = time.monotonic() - began
    assert len(channel.sent) == 200
    assert len({s.message_id for s in channel.sent}) == 200 and not any("重发" in s.text for s in channel.sent)
    by_chat: dict[str, list[float]] = defaultdict(list)
    for at, address in channel.times:
        by_chat[address].append(at)
    slack = 1.3  # a busy machine delays what left on pace; the exact arithmetic is proved in tests/notify
    assert at_most([t for t, _ in channel.times], 100 * 0.5 * slack, 0.5)
    assert all(at_most(times, 20 * 0.5 * slack + 1, 0.5) for times in by_chat.values())
    assert took < 200 / 100 * 3  # ideal 2 s; a figure for the bench, here only "not one by one"
    for c in couriers:
        await c.close()


async def test_an_urgent_card_overtakes_a_long_queue_FM6(database) -> None:  # type: ignore[no-untyped-def]
    channel = Timed()
    house = await House(database, channel).open(people(40))
    await bulk(house, 400, 40)
    house.in_real_time = True
    courier = house.new_courier()
    house.desk.listeners.append(courier.wake)
    sending = asyncio.create_task(courier.run_once())
    while len(channel.sent) < 20:
        await asyncio.sleep(0.01)
    await house.dispatched("U9", grade="urgent")  # type: ignore[arg-type]
    while not channel.to("chat-H1"):
        await asyncio.sleep(0.01)
    assert len(channel.sent) < 150
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await courier.close()


async def test_a_silent_network_does_not_hold_up_the_urgent_FT25(house: House) -> None:
    hang = asyncio.Event()

    async def silent() -> None:
        await hang.wait()

    house.channel.buckets = lambda address: (Bucket("bot", 10_000, 1.0, 100.0),)
    courier = house.new_courier(at_once=2)
    house.channel.before = lambda address: silent() if address != "chat-H1" else None
    for number in range(3):
        await house.dispatched(f"T{number}", unit="U02")
    going = asyncio.create_task(courier.run_once())
    await asyncio.sleep(0.1)
    await house.dispatched("U1", grade="urgent")  # type: ignore[arg-type]
    courier.wake()
    for _ in range(200):
        if house.channel.to("chat-H1"):
            break
        await asyncio.sleep(0.02)
    assert len(house.channel.to("chat-H1")) == 1
    hang.set()
    await going
    await courier.close()


async def test_a_second_round_goes_on_where_the_first_let_go(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import backend.delivery.worker as module

    monkeypatch.setattr(module, "RUN_SECONDS", 0.1)
    house.channel.buckets = lambda address: (Bucket("bot", 20, 1.0),)
    for number in range(4):
        await house.dispatched(f"T{number}")
    house.in_real_time = True
    courier = house.new_courier()
    rounds = 0
    while await courier.run_once():
        rounds += 1
    assert rounds > 1 and len(house.channel.sent) == 8
    await courier.close()
