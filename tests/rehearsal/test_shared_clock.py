"""Processes of one rehearsal share one clock: whichever moves it, all follow; it never goes back (FS2, FS3, FS5)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from backend.app.build_rehearsal import uses_real_network
from backend.app.config import Config
from backend.domain.acts import OPERATOR
from backend.rehearsal.clock import ClockMover, SandboxClock
from backend.rehearsal.shared_clock import SharedClock
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.office.api_keys import SqlKeyStore
from storage.office.key_values import SqlKeyValueStore
from tests.time_and_chance import CHANCE, build_clock

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)


async def find_no_stop(_after: datetime) -> None:
    """Nothing is planned."""


async def carry_nothing(_by: timedelta) -> None:
    """Nobody is signed in."""


class Process:
    """One process: its clock, and the times at which it worked, since the start."""

    def __init__(self, db: Database, name: str) -> None:
        self.values = SqlKeyValueStore(db)
        self.clock = SandboxClock(self.values, lambda: NOON)
        self.worked: list[timedelta] = []
        self.open_work = 0
        self.shared = SharedClock(self.clock, build_clock(lambda: NOON), self.values, name, self.work)
        self.mover = ClockMover(self.clock, self.shared.settle, find_no_stop, carry_nothing, bool)

    async def work(self) -> int:
        self.worked.append(self.clock.now() - NOON)
        self.open_work, done = max(0, self.open_work - 1), self.open_work
        return done


async def test_all_processes_have_worked_at_the_new_time_when_the_one_that_moved_it_is_answered_FS2(
    database: Database,
) -> None:
    one, two = Process(database, "one"), Process(database, "two")
    following = [asyncio.create_task(p.shared.follow()) for p in (one, two)]
    await asyncio.sleep(0.2)
    two.open_work = 2
    assert await one.mover.advance("3h") == NOON + timedelta(hours=3)
    assert two.clock.now() == NOON + timedelta(hours=3)
    assert two.worked[-1] == timedelta(hours=3)
    await two.mover.advance("1h")
    assert one.clock.now() == NOON + timedelta(hours=4), "either process may move it"
    for task in following:
        task.cancel()


async def test_a_process_that_died_is_not_waited_for_long_FS2(database: Database) -> None:
    one, dead = Process(database, "one"), Process(database, "dead")
    following = asyncio.create_task(dead.shared.follow())
    await asyncio.sleep(0.2)
    following.cancel()
    async with asyncio.timeout(15):
        assert await one.mover.advance("1h") == NOON + timedelta(hours=1)
    assert dead.worked == [] and dead.clock.now() == NOON


async def test_a_process_killed_while_time_moves_starts_again_at_the_new_time_FS3(database: Database) -> None:
    one = Process(database, "one")

    async def kill() -> int:
        if one.clock.offset:
            raise asyncio.CancelledError
        return 0

    with pytest.raises(asyncio.CancelledError):
        await ClockMover(one.clock, kill, find_no_stop, carry_nothing, bool).advance("1d")
    restarted = SandboxClock(one.values, lambda: NOON)
    await restarted.catch_up()
    assert restarted.now() == NOON + timedelta(days=1)


async def test_whoever_is_signed_in_stays_so_at_every_stop_while_time_moves_FA4(database: Database) -> None:
    one = Process(database, "one")
    keys = SqlKeyStore(database, IdSupply(database), CHANCE)
    opened = await keys.open_session(OPERATOR.account, NOON)
    seen: list[object] = []

    async def next_hour(now: datetime) -> datetime:
        return now + timedelta(hours=1)

    async def look() -> None:
        seen.append(await keys.get_session(opened.token, one.clock.now()))

    await ClockMover(one.clock, look, next_hour, keys.move_sessions, bool).advance("20h")
    assert len(seen) > 20 and all(seen)


async def test_time_moves_no_further_than_to_where_a_telephone_rings_if_so_wished(database: Database) -> None:
    one = Process(database, "one")

    async def next_hour(now: datetime) -> datetime:
        return now + timedelta(hours=1)

    mover = ClockMover(one.clock, one.work, next_hour, carry_nothing, lambda: one.clock.offset >= timedelta(hours=3))
    assert await mover.advance("7d", until_ring=True) == NOON + timedelta(hours=3)
    assert await mover.advance("7d", until_ring=True) == NOON + timedelta(hours=3), "it still rings"
    assert await mover.advance("1h") == NOON + timedelta(hours=4)


@pytest.mark.parametrize(("url", "is_real"), [("", False), ("http://127.0.0.1:9", True)])
def test_a_rehearsal_keeps_to_its_own_networks_unless_another_is_configured(url: str, is_real: bool) -> None:
    assert (
        uses_real_network(Config(sandbox=True, drivers={"twilio": {"api_url": url, "account_sid": "AC1"}})) is is_real
    )
