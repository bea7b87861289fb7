"""Leases go by one clock, the database's: whatever hosts think, whatever a rehearsal moves, whoever owned the file (XR1)."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from backend.domain.records import Message
from notify.chat.telegram.updates import identify
from storage import tables as t
from storage.delivery.inbox import SqlInboxStore
from storage.delivery.leases import void_leases
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from storage.engine.open import open_database

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
LEASE = timedelta(seconds=45)
CHAT = ["telegram"]


async def read(db: Database) -> int:
    ((now,),) = await db.fetch_rows(select(db.lease_clock.now), db.lease_clock.parameters())
    return int(now)


async def test_the_lease_clock_is_the_database_s_and_passes_within_a_transaction_XR1(database: Database) -> None:
    def twice(c):  # type: ignore[no-untyped-def]
        clock = database.lease_clock
        first = c.execute(select(clock.now), clock.parameters()).scalar_one()
        time.sleep(0.05)
        return first, c.execute(select(clock.now), clock.parameters()).scalar_one()

    first, second = await database.write(twice)
    assert 40_000 < second - first < 5_000_000
    if database.dialect == "postgresql":  # no parameter of ours is in it: hosts that disagree cannot
        assert database.lease_clock.parameters() == {}
        here = open_database(database.url, lambda: -1e9)  # type: ignore[attr-defined]
        assert abs(await read(here) - await read(database)) < 5_000_000
        await here.close()


async def test_hosts_minutes_apart_neither_rob_nor_starve_each_other_XR1(database_url: str) -> None:
    """Two processes; on SQLite there is one, so it is one and the same clock."""
    one, two = open_database(database_url, time.monotonic), open_database(database_url, time.monotonic)
    try:
        here, there = SqlOutboxStore(one, IdSupply(one)), SqlOutboxStore(two, IdSupply(two))
        await here.add([Message(1, "ticket_dispatched", "telegram", "P1", 1, 2, 1, False, NOW, NOW)])
        assert await here.claim("w1", CHAT, NOW, 9, LEASE)
        for office in (NOW - timedelta(hours=1), NOW + timedelta(minutes=5), NOW + timedelta(days=3)):
            assert (await there.rescue(CHAT, office)).owners == 1  # the office's clock moves no lease
            assert await there.claim("w2", CHAT, office, 9, LEASE) == []
        assert await here.renew("w1", [1], timedelta(microseconds=1))
        await asyncio.sleep(0.01)
        await there.rescue(CHAT, NOW)
        assert [c.owner for c in await there.claim("w2", CHAT, NOW, 9, LEASE)] == ["w2"]
    finally:
        await one.close()
        await two.close()


async def test_the_leases_of_a_former_process_are_void_at_the_start_of_the_next_XR1(database: Database) -> None:
    """Its monotonic clock may stand days before or behind ours: a machine was started again."""
    far = [9e9]
    database.lease_clock = LeaseClock(lambda: far[0])
    outbox, inbox = (
        SqlOutboxStore(database, IdSupply(database)),
        SqlInboxStore(database, IdSupply(database), lambda: NOW, lambda _, body: identify(body)),
    )
    await outbox.add([Message(1, "ticket_dispatched", "telegram", "P1", 1, 2, 1, False, NOW, NOW)])
    assert await outbox.claim("dead", CHAT, NOW, 9, LEASE)
    body = b'{"update_id": 1, "message": {"chat": {"id": 1}}}'
    assert (await inbox.receive("telegram", body)).is_new and await inbox.claim("telegram", "dead", 9)
    assert await inbox.acquire_lease("poll:1", "dead", LEASE)
    await database.execute(insert(t.rate_limits).values(bucket="b", state="[9e9]", idle_at=1))
    far[0] = 5.0
    ended = await void_leases(database)
    await outbox.rescue(CHAT, NOW)
    if database.dialect == "postgresql":  # its clock goes on: they end by themselves
        assert ended == 0 and await outbox.list_waiting(CHAT, NOW, 9) == []
        return
    assert ended == 4
    assert [w.id for w in await outbox.list_waiting(CHAT, NOW, 9)] == [1]
    assert await inbox.claim("telegram", "new", 9) and await inbox.acquire_lease("poll:1", "new", LEASE)
