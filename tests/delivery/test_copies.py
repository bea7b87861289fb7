"""However often processes die over them: no message is lost, none arrives a third time, a second one says so (XR5, XR7)."""

import asyncio
import itertools
import random
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from backend.delivery.ask_slots import count_slots
from backend.domain.records import Message
from backend.domain.ticket_enums import Grade
from notify.channel import DeliveryError
from notify.rate_limit import Bucket
from storage import tables as t
from storage.engine.database import Database
from storage.engine.open import open_database
from tests.delivery.mortal import Mortal
from tests.delivery.world import FakeChannel, World

MARK = "（重发）"
CHATS = 12
MESSAGES = CHATS + 4  # one chat has five
PEOPLE = (*((f"P{n}", "U02", "liaison", True) for n in range(CHATS)), ("D1", "M01", "dispatcher", True),
          ("H1", "U01", "handler", True))  # fmt: skip


async def open_crowd(database: Database, urgent: bool = True) -> World:
    """A world with messages to people, told apart by their chats; with `urgent`, every fourth is."""
    world = await World(database).open(PEOPLE)
    await world.create_ticket()
    snap = await world.load()
    await world.outbox.add([
        Message(world.ids.take(), "return_accepted", "telegram", f"P{n % CHATS if n < CHATS else 0}", snap.ticket.id, None, 1,
                urgent and n % 4 == 0, world.at, world.at)
        for n in range(MESSAGES)
    ])  # fmt: skip
    return world


async def crash(world: World, lives: list[int], at_once: int) -> int:
    """One process after another, each killed after so many steps; the last ones live. Judge all; return the copies."""
    for number, steps in enumerate((*lives, 10**9, 10**9, 10**9)):
        await Mortal(world, f"w{number}", steps, at_once=at_once).live()
        world.pass_time(seconds=46)  # the lease
    rows = await world.db.fetch_rows(select(t.outbox).where(t.outbox.c.kind == "return_accepted"))
    assert {r.state for r in rows} <= {"sent", "ambiguous", "dead"}, "nothing is left in hand, nothing forgotten"
    assert all(r.uncertain_sends <= 1 for r in rows)
    for n in range(1, CHATS):
        (row,) = [r for r in rows if r.person == f"P{n}"]
        marks = [MARK in s.text for s in world.channel.list_sent(f"chat-P{n}")]
        assert marks in ([], [False], [True], [False, True]), "twice at most, and the second says so"
        assert row.uncertain_sends == 1 or True not in marks, "marked only where one may have left"
        assert marks or row.state == "dead" or row.uncertain_sends, "lost without a word"
        assert row.state != "sent" or marks
    first_chat = [MARK in s.text for s in world.channel.list_sent("chat-P0")]
    assert first_chat.count(False) <= 5 and first_chat.count(True) <= sum(
        r.uncertain_sends for r in rows if r.person == "P0"
    )
    return (
        len(world.channel.sent)
        - sum(bool(world.channel.list_sent(f"chat-P{n}")) for n in range(1, CHATS))
        - min(5, len(first_chat))
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("at_once", [1, 16])
async def test_twenty_deaths_leave_one_marked_copy_at_most_XR5(database: Database, at_once: int, seed: int) -> None:
    chance = random.Random(seed)
    world = await open_crowd(database, urgent=at_once > 1)
    copies = await crash(world, [chance.randint(1, 40) for _ in range(20)], at_once)
    assert at_once > 1 or copies <= 20, "no more copies than deaths (G1)"


@settings(max_examples=15)
@given(st.lists(st.integers(1, 60), max_size=8), st.sampled_from((1, 2, 16)))
def test_whenever_processes_die_no_message_arrives_a_third_time_XR5(
    sqlite_template: Path, lives: list[int], at_once: int
) -> None:
    async def story(url: str) -> None:
        db = open_database(url, time.monotonic)
        try:
            await crash(await open_crowd(db), lives, at_once)
        finally:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await db.close()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jiesu.db"
        shutil.copy(sqlite_template, path)
        asyncio.run(story(f"sqlite:///{path}"))


async def open_with_one_message(database: Database, grade: Grade = Grade.GENERAL) -> tuple[World, int]:
    """A dispatch, of which one handler's message is still to be sent."""
    world = await World(database).open((("D1", "M01", "dispatcher", True), ("H1", "U01", "handler", True)))
    await world.dispatch_ticket(grade=grade)
    (waiting,) = await world.outbox.list_waiting(["telegram"], world.at, 9)
    return world, waiting.id


async def test_a_message_twice_in_doubt_goes_the_next_way_at_once_XR7(database: Database) -> None:
    """Died over the first, died over the marked one: the waiting call is hastened in the same transaction."""
    world, message_id = await open_with_one_message(database)
    for number in range(2):
        process = Mortal(world, f"w{number}", 10**9)
        world.channel.before = lambda _, p=process: _die(p)
        await process.live()
        world.pass_time(seconds=46)
    world.channel.before = lambda _: None
    await world.worker.run_once()
    assert len(world.channel.requested) == 2
    found = {d.message.id: d for d in await world.list_deliveries()}
    assert (found[message_id].message.state, found[message_id].error) == ("ambiguous", "lease_expired")
    calls = [d.message for d in found.values() if d.message.channel == "phone" and d.message.person == "H1"]
    assert len(calls) == 1 and calls[0].not_before <= world.at, "due now, not in four hours"


async def _die(process: Mortal) -> None:
    process.left = 0
    await process.step()


async def test_waiting_for_the_rate_limit_burns_no_lease_and_leaves_no_mark_XR7(database: Database) -> None:
    """The gate is shut for three leases: the beat keeps what is in hand, nobody else takes it, nothing is marked."""
    world, message_id = await open_with_one_message(database)
    world.channel.buckets = lambda _: (Bucket("bot", rate=500, per_seconds=1.0),)
    shut = Shut()
    worker = world.build_worker("w1", rate_limiter=shut, lease_seconds=0.6)
    world.in_real_time = True
    running = asyncio.create_task(worker.run_once())
    other = world.build_worker("w2", lease_seconds=0.6)
    await shut.asked.wait()
    for _ in range(6):
        await asyncio.sleep(0.3)
        assert await other.run_once() == 0 and world.channel.requested == []
    shut.opened = True
    await running
    row = (await world.db.fetch_rows(select(t.outbox).where(t.outbox.c.id == message_id)))[0]
    assert (row.state, row.uncertain_sends, row.asks, row.attempts, row.deaths) == ("sent", 0, 1, 1, 0)
    assert [MARK in s.text for s in world.channel.sent] == [False]
    await worker.close()
    await other.close()


class Shut:
    """A rate limiter that makes everybody wait until it is opened."""

    def __init__(self) -> None:
        self.opened = False
        self.asked = asyncio.Event()

    async def try_acquire(self, buckets: object) -> float:
        self.asked.set()
        return 0.0 if self.opened else 0.05


async def test_a_refusal_a_429_or_no_connection_leaves_no_doubt_XR5(database: Database) -> None:
    world, message_id = await open_with_one_message(database)
    faults = (DeliveryError("transient", "refused"), DeliveryError("throttled", "429", retry_after=2),
              DeliveryError("transient", "dns"))  # fmt: skip
    world.channel.plan("chat-H1", *faults)
    for _ in range(4):
        await world.worker.run_once()
        world.pass_time(minutes=2)
    (sent,) = world.channel.sent
    row = (await world.db.fetch_rows(select(t.outbox).where(t.outbox.c.id == message_id)))[0]
    assert MARK not in sent.text and (row.uncertain_sends, row.asks, row.asked_at) == (0, 4, None)


async def test_claims_that_asked_nobody_are_no_tries_XR7(database: Database) -> None:
    world, message_id = await open_with_one_message(database)
    await world.db.execute(update(t.outbox).where(t.outbox.c.id == message_id).values(attempts=40))
    world.channel.plan("chat-H1", DeliveryError("transient", "refused"))
    await world.worker.run_once()
    assert (await world.list_states())["ticket_dispatched", "H1"] == ["pending"]


async def test_what_kills_everybody_is_taken_alone_and_ends_as_dead_and_the_others_go_on_FM7(
    database: Database,
) -> None:
    world = await open_crowd(database)
    poison = (await world.outbox.list_waiting(["telegram"], world.at, 99))[-1]
    await world.db.execute(update(t.outbox).where(t.outbox.c.id == poison.id).values(kind="ticket_dispatched"))
    beside: list[int] = []

    async def deadly(process: Mortal, message: Message) -> None:
        if message.id == poison.id:
            beside.append(len(process.worker._tasks))
            await _die(process)

    render_real = world.renderer.render
    for number in itertools.count():
        process = Mortal(world, f"w{number}", 10**9, at_once=1)

        async def render(message, process=process):  # type: ignore[no-untyped-def]
            await deadly(process, message)
            return await render_real(message)

        world.renderer.render = render  # type: ignore[method-assign]
        if await process.live():
            break
        world.pass_time(seconds=46)
    states = {r.id: r.state for r in await world.db.fetch_rows(select(t.outbox.c.id, t.outbox.c.state))}
    assert states.pop(poison.id) in ("dead", "ambiguous") and set(states.values()) == {"sent"}
    assert number <= 4 and beside[-1] == 1


@pytest.mark.parametrize(
    ("rate", "answer", "workers", "slots"),
    [(30, 0.08, 4, 1), (30, 0.08, 1, 3), (30, 0.5, 4, 4), (30, 2.0, 1, 16), (30, 0.0, 1, 1), (float("inf"), 9.0, 3, 16),
     (30, 0.08, 0, 3)],
)  # fmt: skip
def test_slots_are_what_the_provider_s_speed_and_the_living_workers_need_G1(
    rate: float, answer: float, workers: int, slots: int
) -> None:
    assert count_slots(rate, answer, workers, 16) == slots


async def test_a_slow_lane_asks_for_no_more_than_its_slots_and_each_ask_rides_with_a_result_XR5(
    database: Database,
) -> None:
    channel = FakeChannel(lambda _: (Bucket("bot", rate=500, per_seconds=1.0, burst=50),))
    world = await World(database, channel).open(PEOPLE)
    writes, most = 0, 0
    settle = world.outbox.settle

    async def counted(items):  # type: ignore[no-untyped-def]
        nonlocal writes
        writes += 1
        return await settle(items)

    async def look(_: str) -> None:
        nonlocal most
        asked = await database.fetch_count(
            select(func.count()).where(t.outbox.c.asked_at.is_not(None), t.outbox.c.state == "sending")
        )  # fmt: skip
        most = max(most, asked)

    channel.before = look
    world.outbox.settle = counted  # type: ignore[method-assign]
    await world.create_ticket()
    snap = await world.load()
    await world.outbox.add([
        Message(world.ids.take(), "return_accepted", "telegram", f"P{n % 5}", snap.ticket.id, None, 1, False, world.at, world.at)
        for n in range(20)
    ])  # fmt: skip
    world.in_real_time = True
    worker = world.build_worker(at_once=2)
    await worker.run_once()
    assert len(channel.sent) == 20 and 1 <= most <= 2
    assert writes <= 20, "no ask has a transaction of its own"
    await worker.close()
