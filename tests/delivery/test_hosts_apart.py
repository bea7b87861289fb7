"""Three processes, one of whose hosts is five minutes ahead or behind: all of them send, by one shared rate (XR1, G27)."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from backend.delivery.shared_limit import SharedRateLimiter
from backend.domain.instants import to_micros
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from storage import tables as t
from storage.delivery.cards import SqlCardStore
from storage.delivery.outbox import SqlOutboxStore
from storage.delivery.rate_limit import SqlRateLimitStore
from storage.engine.database_time import DatabaseTime
from storage.engine.lease_clock import LeaseClock
from storage.engine.postgres import PostgresDatabase
from tests.delivery.test_rate_limits import BOT, TimedChannel, list_too_early, open_crowd, run_until_idle
from tests.delivery.world import ENCRYPTION, World
from tests.time_and_chance import ZONE

MESSAGES = 60


async def open_process(url: str, name: str, ahead: timedelta, channel: TimedChannel) -> World:
    """A process on a host whose clock is `ahead`; it goes by the database's."""
    database = PostgresDatabase(url, pool_size=4)
    world = World(database, channel)
    database.lease_clock = LeaseClock()
    told = DatabaseTime(database, time.monotonic, lambda: datetime.now(UTC) + ahead)
    await told.sample()
    world.office = OfficeCache(world.config, Clock(told.now, ZONE, time.time, time.monotonic), "jilin")
    world.outbox, world.cards = SqlOutboxStore(database, world.ids), SqlCardStore(database, world.ids, ENCRYPTION)
    limiter = SharedRateLimiter(SqlRateLimitStore(database), time.monotonic)
    world.worker = world.build_worker(name, rate_limiter=limiter)
    return world


@pytest.mark.parametrize("minutes", [5, -5])
async def test_one_worker_of_three_minutes_off_sends_as_the_others_do_by_one_rate_G27(
    postgres_url: str, minutes: int
) -> None:
    channel = TimedChannel()
    first = PostgresDatabase(postgres_url, pool_size=4)
    await open_crowd(first, channel, MESSAGES)
    await first.execute(update(t.letters).values(not_before=to_micros(datetime.now(UTC))))  # due this very moment
    hosts = (timedelta(), timedelta(minutes=minutes), timedelta())
    processes = [await open_process(postgres_url, f"w{n}", ahead, channel) for n, ahead in enumerate(hosts)]
    began = time.monotonic()
    sent: Counter[str] = Counter()
    for process in processes:
        settle, name = process.outbox.settle, process.worker._deps.owner

        async def note(items, settle=settle, name=name):  # type: ignore[no-untyped-def]
            sent[name] += sum(getattr(item, "state", None) == "sent" for item in items)
            return await settle(items)

        process.outbox.settle = note  # type: ignore[method-assign]
    await asyncio.gather(*(run_until_idle(process.worker) for process in processes))
    assert len(channel.sent) == MESSAGES and len({(s.address, s.message_id) for s in channel.sent}) == MESSAGES
    assert sent["w1"] > 0 and sum(sent.values()) == MESSAGES, sent
    assert list_too_early([at for at, _ in channel.times], BOT, began) == []
    for process in processes:
        await process.worker.close()
        await process.db.close()
    await first.close()
