"""Several processes of one rehearsal keep one hour: whoever moves it, all follow, and it never goes back (FS2, FS3, FS5)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from backend.app.config import Config
from backend.app.drivers import build_simulator
from backend.rehearsal.clock import SandboxClock
from backend.rehearsal.shared_clock import SharedClock
from storage.engine.database import Database
from storage.office.key_values import SqlKeyValueStore

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)


class Process:
    """One process: its clock, and the hours at which it did its work."""

    def __init__(self, db: Database, name: str) -> None:
        self.values = SqlKeyValueStore(db)
        self.clock = SandboxClock(self.values, lambda: NOON)
        self.worked: list[timedelta] = []
        self.left = 0
        self.common = SharedClock(self.clock, self.values, name, self.work)
        self.clock.settle = self.common.settle

    async def work(self) -> int:
        self.worked.append(self.clock.now() - NOON)
        self.left, done = max(0, self.left - 1), self.left
        return done


async def test_all_processes_have_worked_at_the_new_hour_when_the_mover_is_answered_FS2(database: Database) -> None:
    one, two = Process(database, "one"), Process(database, "two")
    following = [asyncio.create_task(p.common.follow()) for p in (one, two)]
    await asyncio.sleep(0.2)
    two.left = 2
    assert await one.clock.advance("3h") == NOON + timedelta(hours=3)
    assert two.clock.now() == NOON + timedelta(hours=3)
    assert two.worked[-1] == timedelta(hours=3)
    await two.clock.advance("1h")
    assert one.clock.now() == NOON + timedelta(hours=4), "either may move it"
    for task in following:
        task.cancel()


async def test_a_process_that_died_is_not_waited_for_long_FS2(database: Database) -> None:
    one, dead = Process(database, "one"), Process(database, "dead")
    following = asyncio.create_task(dead.common.follow())
    await asyncio.sleep(0.2)
    following.cancel()
    async with asyncio.timeout(15):
        await one.clock.advance("1h")


async def test_a_process_killed_while_time_moves_finds_the_same_hour_again_FS3(database: Database) -> None:
    one = Process(database, "one")

    async def killed() -> int:
        if one.clock.offset:
            raise asyncio.CancelledError
        return 0

    one.clock.settle = killed
    with pytest.raises(asyncio.CancelledError):
        await one.clock.advance("1d")
    again = SandboxClock(one.values, lambda: NOON)
    await again.catch_up()
    assert again.now() == NOON + timedelta(days=1)


@pytest.mark.parametrize(("url", "shared"), [("", False), ("http://127.0.0.1:9", True)])
def test_the_sample_office_keeps_to_its_own_networks(url: str, shared: bool) -> None:
    town = build_simulator(Config(sandbox=True, twilio_api_url=url, twilio_account_sid="AC1"))
    assert town is not None and town.uses_real_network is shared
