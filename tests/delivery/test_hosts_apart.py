"""Three processes, one of whose hosts is five minutes ahead or behind: all of them send, by one shared rate (XR1, G27).

Who takes how many when all run at once is chance, so the odd one and the others first each have a share alone.
"""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

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
from tests.figures import Figures
from tests.time_and_chance import ZONE

SHARE = 20  # messages that become due at once


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
    postgres_url: str, minutes: int, figures: Figures
) -> None:
    channel = TimedChannel()
    first = PostgresDatabase(postgres_url, pool_size=4)
    await open_crowd(first, channel, 3 * SHARE)
    await first.execute(update(t.outbox).values(not_before=to_micros(datetime.now(UTC) + timedelta(days=1))))
    waiting = sorted(await first.fetch_column(select(t.outbox.c.id)))
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
    before, odd, after = processes
    for working in ([odd], [before, after], processes):
        due, waiting = waiting[:SHARE], waiting[SHARE:]
        letters = update(t.outbox).where(t.outbox.c.id.in_(due))
        await first.execute(letters.values(not_before=to_micros(datetime.now(UTC))))  # this very moment
        done = sum(sent.values())
        await asyncio.gather(*(run_until_idle(process.worker) for process in working))
        assert sum(sent.values()) == done + SHARE, (sent, len(working))
    assert len({(s.address, s.message_id) for s in channel.sent}) == len(channel.sent)
    early = list_too_early([at for at, _ in channel.times], BOT, began)
    figures.report("G27", messages=3 * SHARE, left=3 * SHARE - len(channel.sent), early=len(early))
    for process in processes:
        await process.worker.close()
        await process.db.close()
    await first.close()
