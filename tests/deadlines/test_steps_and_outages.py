"""The machine's clock jumps, or no process ran for hours: every deadline is acted on once, and none is lost."""

import asyncio
import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from backend.app.workers import Worker
from backend.deadlines.watch import DeadlineWatch
from backend.domain.instants import from_micros, to_micros
from backend.domain.ticket_enums import Grade
from storage import tables as t
from storage.deadlines.due import SqlDueStore
from storage.engine.database import Database
from tests.delivery.world import World
from tests.figures import SIZES, Figures, choose_size

STEPS = {
    "+3 s": timedelta(seconds=3),
    "+1 h": timedelta(hours=1),
    "+1 day": timedelta(days=1),
    "-1 h": timedelta(hours=-1),
}
TICK = timedelta(minutes=10)


def build_watch(world: World) -> DeadlineWatch:
    """The deadline watch of one process."""
    return DeadlineWatch(SqlDueStore(world.db), world.tickets, world.office)


async def count_overdue(world: World) -> int:
    """Duties to sign that are due and that nobody acted on."""
    k = t.duties.c
    query = select(func.count()).where(k.kind == "sign", k.met_at.is_(None), k.due_at <= to_micros(world.at))
    return int(await world.db.read(lambda c: c.execute(query).scalar_one()))


async def list_auto_signed(world: World) -> dict[str, list[datetime]]:
    """Ticket number → the instants at which it was signed automatically, as the journal has them."""
    k, found = t.journal.c, dict[str, list[datetime]]()
    query = (
        select(t.tickets.c.ticket_no, k.at).join(t.tickets, t.tickets.c.id == k.ticket_id).where(k.verb == "auto_sign")
    )
    for no, at in await world.db.read(lambda c: c.execute(query).all()):
        found.setdefault(no, []).append(from_micros(at))
    return found


async def count_messages(world: World, kind: str, person: str) -> list[int]:
    """How many messages of a kind a person got, for each ticket there is any about."""
    k = t.outbox.c
    query = select(func.count()).where(k.kind == kind, k.person == person).group_by(k.ticket_id)
    return list(await world.db.read(lambda c: c.execute(query).scalars().all()))


@pytest.mark.parametrize("step", STEPS.values(), ids=list(STEPS))
async def test_a_clock_that_jumps_brings_every_deadline_once_and_within_one_run_G11_FS1_FS2_FS3(
    database: Database, step: timedelta, figures: Figures
) -> None:
    world = await World(database).open()
    watch, due, late = build_watch(world), {}, 0
    for turn in range(50):
        if turn < 24 and turn % 2 == 0:
            await world.dispatch_ticket(f"T{turn:02d}", Grade.URGENT)
            due[f"T{turn:02d}"] = world.at + timedelta(hours=2)
        if turn == 17:
            world.at += step
        await watch.run_once()
        late += await count_overdue(world)
        world.at += TICK
    signed = await list_auto_signed(world)
    twice = sum(len(instants) > 1 for instants in signed.values())
    figures.report("G11", deadlines=len(due), missed=len(due) - len(signed), twice=twice, late=late)
    assert signed == {no: [at] for no, at in due.items()}, "at the minute they were due, whatever the clock did"
    assert await count_messages(world, "auto_signed", "H1") == [1] * len(due)
    assert set(await count_messages(world, "sign_reminder", "H1")) <= {1}


@SIZES
async def test_deadlines_that_passed_during_an_outage_are_each_handled_once_and_recorded_late_G12_FS4_FS5_FS18(
    database: Database, size: str, figures: Figures
) -> None:
    count = choose_size(size, small=150, quick=1_500, full=10_000)
    world = await World(database).open()
    begun, due = world.at, {}
    for number in range(count):
        world.at = begun + timedelta(seconds=number * 10_800 // count)
        await world.dispatch_ticket(f"T{number:05d}", Grade.URGENT)
        due[f"T{number:05d}"] = world.at + timedelta(hours=2)
    world.at = begun + timedelta(hours=5, minutes=1)  # no process ran while they became due
    started = time.monotonic()
    watches = [build_watch(world), build_watch(world)]  # of two processes, started at once
    while sum(await asyncio.gather(*(one.run_once() for one in watches))):
        pass
    signed, left = await list_auto_signed(world), await count_overdue(world)
    twice = sum(len(instants) > 1 for instants in signed.values())
    figures.report("G12", deadlines=count, left=left, twice=twice, seconds=time.monotonic() - started)
    assert signed == {no: [from_micros(to_micros(at))] for no, at in due.items()}
    d, j = t.duties.c, t.journal.c
    outcomes = select(d.outcome).where(d.kind == "sign").distinct()
    assert await world.db.read(lambda c: c.execute(outcomes).scalars().all()) == ["auto"]
    recorded = select(j.recorded_at).where(j.verb == "auto_sign").distinct()  # the journal shows that it was late
    assert await world.db.read(lambda c: c.execute(recorded).scalars().all()) == [to_micros(world.at)]
    assert await count_messages(world, "auto_signed", "H1") == [1] * count
    assert await count_messages(world, "sign_reminder", "H1") == [], (
        "no second message about the same thing after an outage (FS17)"
    )


async def test_two_processes_give_one_red_card_and_never_a_second_FS12(database: Database) -> None:
    world = await World(database).open()
    for number in range(8):
        await world.dispatch_ticket(f"T{number}", Grade.URGENT)
    watches = [build_watch(world) for _ in range(3)]

    async def work() -> None:
        while sum(await asyncio.gather(*(watch.run_once() for watch in watches))):
            pass

    world.at += timedelta(days=40)
    await work()
    k = t.journal.c
    cards = select(k.ticket_id, func.count()).where(k.verb == "red_card").group_by(k.ticket_id)
    assert [count for _, count in await world.db.read(lambda c: c.execute(cards).all())] == [1] * 8
    world.at += timedelta(days=1)
    await work()
    assert [count for _, count in await world.db.read(lambda c: c.execute(cards).all())] == [1] * 8


async def test_a_worker_runs_on_though_the_scheduler_is_silenced_by_a_clock_put_back_G11_FM10() -> None:
    ran_thrice = asyncio.Event()
    runs = 0

    async def work() -> int:
        nonlocal runs
        runs += 1
        if runs == 3:
            ran_thrice.set()
        return 0

    task = asyncio.create_task(Worker("deadlines", work, time.monotonic).run_forever(safety_seconds=0.01))
    async with asyncio.timeout(5):
        await ran_thrice.wait()
    assert not task.done(), "it runs on"
    task.cancel()
