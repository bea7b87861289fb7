"""The clock of the machine jumps, or nobody was there for hours: every deadline is acted on once, and none is lost."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from backend.app.workers import Worker
from backend.deadlines.watch import DeadlineWatch
from backend.domain.instants import from_micros, to_micros
from backend.domain.ticket import Grade
from storage import tables as t
from storage.deadlines.due import SqlDueStore
from storage.engine.database import Database
from tests.courier.house import House

STEPS = {
    "+3 s": timedelta(seconds=3),
    "+1 h": timedelta(hours=1),
    "+1 day": timedelta(days=1),
    "-1 h": timedelta(hours=-1),
}
TICK = timedelta(minutes=10)


def clockwork(house: House) -> DeadlineWatch:
    """The clock of one process."""
    return DeadlineWatch(SqlDueStore(house.db), house.desk, house.office)


async def overdue(house: House) -> int:
    """Duties to sign whose time has come and which nobody acted on."""
    k = t.duties.c
    query = select(func.count()).where(k.kind == "sign", k.met_at.is_(None), k.due_at <= to_micros(house.at))
    return int(await house.db.read(lambda c: c.execute(query).scalar_one()))


async def signed_by_the_clock(house: House) -> dict[str, list[datetime]]:
    """Ticket number → the instants of its signings by the clock, as the journal has them."""
    k, found = t.journal.c, dict[str, list[datetime]]()
    query = select(t.tickets.c.no, k.at).join(t.tickets, t.tickets.c.id == k.ticket_id).where(k.verb == "auto_sign")
    for no, at in await house.db.read(lambda c: c.execute(query).all()):
        found.setdefault(no, []).append(from_micros(at))
    return found


async def told(house: House, kind: str, person: str) -> list[int]:
    """Per ticket that was told of at all, how many letters of a kind a person was written."""
    k = t.letters.c
    query = select(func.count()).where(k.kind == kind, k.person == person).group_by(k.ticket_id)
    return list(await house.db.read(lambda c: c.execute(query).scalars().all()))


@pytest.mark.parametrize("step", STEPS.values(), ids=list(STEPS))
async def test_a_clock_that_jumps_brings_every_deadline_once_and_within_one_run_G11(
    database: Database, step: timedelta
) -> None:
    house = await House(database).open()
    clock, due = clockwork(house), {}
    for turn in range(50):
        if turn < 24 and turn % 2 == 0:
            await house.dispatched(f"T{turn:02d}", Grade.URGENT)
            due[f"T{turn:02d}"] = house.at + timedelta(hours=2)
        if turn == 17:
            house.at += step
        await clock.run_once()
        assert await overdue(house) == 0
        house.at += TICK
    signed = await signed_by_the_clock(house)
    assert signed == {no: [at] for no, at in due.items()}, "as of the minute they were due, whatever the clock did"
    assert await told(house, "M7", "H1") == [1] * len(due)
    assert set(await told(house, "M3", "H1")) <= {1}


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
async def test_deadlines_that_passed_during_an_outage_are_each_handled_once_and_recorded_late_G12(
    database: Database, count: int
) -> None:
    house = await House(database).open()
    begun, due = house.at, {}
    for number in range(count):
        house.at = begun + timedelta(seconds=number * 10_800 // count)
        await house.dispatched(f"T{number:05d}", Grade.URGENT)
        due[f"T{number:05d}"] = house.at + timedelta(hours=2)
    house.at = begun + timedelta(hours=5, minutes=1)  # the house was shut from the first to the last of them
    two = [clockwork(house), clockwork(house)]  # as many processes, opened at once
    while sum(await asyncio.gather(*(one.run_once() for one in two))):
        pass
    assert await overdue(house) == 0
    assert await signed_by_the_clock(house) == {no: [from_micros(to_micros(at))] for no, at in due.items()}
    d, j = t.duties.c, t.journal.c
    outcomes = select(d.outcome).where(d.kind == "sign").distinct()
    assert await house.db.read(lambda c: c.execute(outcomes).scalars().all()) == ["auto"]
    written = select(j.recorded_at).where(j.verb == "auto_sign").distinct()  # that it was late is in the journal
    assert await house.db.read(lambda c: c.execute(written).scalars().all()) == [to_micros(house.at)]
    assert await told(house, "M7", "H1") == [1] * count
    assert await told(house, "M3", "H1") == [], "the same thing is not told twice after an outage (FS17)"


async def test_a_worker_runs_on_though_the_scheduler_is_silenced_by_a_clock_put_back_G11() -> None:
    worked = asyncio.Event()
    beats = 0

    async def work() -> int:
        nonlocal beats
        beats += 1
        if beats == 3:
            worked.set()
        return 0

    task = asyncio.create_task(Worker("clockwork", work).run_forever(safety_seconds=0.01))
    async with asyncio.timeout(5):
        await worked.wait()
    task.cancel()
