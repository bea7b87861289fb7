"""The office's clock is set back an hour: what waited by the former time is due, what waits for its own hour stays (FS3)."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from backend.domain.instants import from_micros, to_micros
from backend.domain.records import Message
from backend.ports.outbox import SendResult
from storage import tables as t
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.open import open_database
from storage.operations.clock import SqlClockStore

HIGH = datetime(2026, 11, 10, 10, 0, tzinfo=UTC)
BACK = timedelta(seconds=5)
HOUR = timedelta(hours=1)
NOW = HIGH - HOUR
MINUTES = timedelta(minutes=1)


async def rows(db: Database, table: Any, *columns: str) -> list[Any]:
    query = select(*(table.c[name] for name in columns)).order_by(table.c.id)
    return await db.read(lambda c: [tuple(row) for row in c.execute(query)])


async def put(db: Database, table: Any, **values: Any) -> None:
    """Insert a row; what it needs besides these values is filled in."""
    filled = {
        c.name: 0 if c.type.python_type is int else False if c.type.python_type is bool else f"{c.name}{values['id']}"
        for c in table.columns if not c.nullable and c.server_default is None
    }  # fmt: skip
    stored = {n: to_micros(v) if isinstance(v, datetime) else v for n, v in values.items()}
    await db.execute(insert(table).values(filled | stored))


async def step_back(db: Database, owner: str = "p1", now: datetime = NOW) -> bool:
    return await SqlClockStore(db, IdSupply(db)).take_back(owner, now, BACK)


async def test_messages_say_why_they_wait_and_a_step_back_hastens_only_what_waits_for_no_hour_XR1_FS3(
    database: Database,
) -> None:
    outbox = SqlOutboxStore(database, IdSupply(database))

    def message(
        number: int, kind: str = "ticket_dispatched", after: timedelta = timedelta(), person: str = "P"
    ) -> Message:
        return Message(number, kind, "telegram", person, 1, 2, 1, False, HIGH + after, HIGH)

    await outbox.add([
        message(1), message(2), message(3, person="held"), message(4), message(5, after=8 * HOUR),
        message(6, "daily_digest", 4 * HOUR), message(7, "call_to_sign", 5 * MINUTES), message(8, person="held", after=3 * MINUTES),
        message(9, "call_to_sign", 20 * MINUTES),
    ])  # fmt: skip
    claimed = await outbox.claim("w", ["telegram"], HIGH, 9, HOUR)
    by_id = {c.message.id: c for c in claimed}
    assert set(by_id) == {1, 2, 3, 4}
    waits = {1: None, 2: ("retry", 30 * MINUTES), 3: ("throttle", 2 * MINUTES), 4: ("quiet", 6 * HOUR)}
    results = [
        SendResult(n, "w", by_id[n].message.attempts, "pending", HIGH, not_before=HIGH + wait[1], waits_for=wait[0])
        for n, wait in waits.items() if wait
    ]  # fmt: skip
    assert all(await outbox.settle([*results, SendResult(1, "w", 1, "sent", HIGH)]))
    await outbox.postpone("telegram", ["held"], HIGH + 4 * MINUTES, ())
    assert await outbox.bring_forward(9, HIGH)
    assert await rows(database, t.outbox, "id", "waits_for") == [
        (1, ""), (2, "retry"), (3, "throttle"), (4, "quiet"), (5, "quiet"), (6, "digest"), (7, "quiet"), (8, "quiet"), (9, ""),
    ]  # fmt: skip
    before = dict(await rows(database, t.outbox, "id", "not_before"))
    store = SqlClockStore(database, IdSupply(database))
    await store.keep_high(HIGH)
    assert await step_back(database)
    after = dict(await rows(database, t.outbox, "id", "not_before"))
    assert {n for n in after if after[n] != before[n]} == {2, 3, 9}
    assert {after[n] for n in (2, 3, 9)} == {to_micros(NOW)}
    assert [w.id for w in await outbox.list_waiting(["telegram"], NOW, 9)] == [2, 3, 9], (
        "the sent one is not among them"
    )
    assert await store.load_high() == NOW


async def test_calls_texts_cards_write_backs_and_the_inbox_go_on_as_well_FS3(database: Database) -> None:
    # calls: waiting untried for at once, planned for tomorrow, tried with a pause of 3 minutes, live until 2 minutes
    for n, values in enumerate((
        {"state": "waiting", "next_at": HIGH, "created_at": HIGH},
        {"state": "waiting", "next_at": HIGH + 24 * HOUR, "created_at": HIGH},
        {"state": "waiting", "next_at": HIGH + 3 * MINUTES, "created_at": HIGH - HOUR, "attempt_id": 5},
        {"state": "live", "next_at": HIGH + 2 * MINUTES, "created_at": HIGH, "attempt_id": 6},
        {"state": "waiting", "next_at": NOW - MINUTES, "created_at": NOW - HOUR},
    )):  # fmt: skip
        await put(database, t.calls, id=n, purpose="notice", facts="{}", **values)
    for n, at in enumerate((HIGH, HIGH + 10 * MINUTES, NOW - MINUTES)):
        await put(database, t.requester_texts, id=n, next_at=at, created_at=HIGH, ticket_id=n)
    await put(database, t.chat_cards, id=1, not_before=HIGH + MINUTES, sent_at=HIGH, state="live")
    await put(database, t.writebacks, id=1, not_before=HIGH, since=HIGH, state="waiting")
    await put(database, t.writebacks, id=2, not_before=HIGH, since=HIGH, state="confirmed")
    clock = database.lease_clock
    ((lease_now,),) = await database.fetch_rows(select(clock.now), clock.parameters())
    await put(database, t.inbox, id=1, state="new", not_before=lease_now + 3_600_000_000, received_at=0)
    await put(database, t.inbox, id=2, state="new", lease_until=lease_now + 3_600_000_000, received_at=0)
    await put(
        database, t.outbox, id=1, state="sending", lease_until=lease_now + 3_600_000_000, not_before=0, created_at=0
    )
    await put(database, t.outbox, id=2, state="sending", lease_until=lease_now + 30_000_000, not_before=0, created_at=0)
    await SqlClockStore(database, IdSupply(database)).keep_high(HIGH)
    assert await step_back(database)
    due = [from_micros(at) - NOW for _, at in await rows(database, t.calls, "id", "next_at")]
    assert due == [timedelta(), 25 * HOUR, 3 * MINUTES, 2 * MINUTES, -MINUTES]
    assert [from_micros(at) - NOW for _, at in await rows(database, t.requester_texts, "id", "next_at")] == [
        timedelta(), 10 * MINUTES, -MINUTES,
    ]  # fmt: skip
    assert await rows(database, t.chat_cards, "not_before") == [(to_micros(NOW),)]
    assert await rows(database, t.writebacks, "not_before") == [(to_micros(NOW),), (to_micros(HIGH),)]
    assert (await rows(database, t.inbox, "not_before"))[0] == (None,)
    leases = [row[0] - lease_now for row in (await rows(database, t.inbox, "lease_until"))[1:]]
    leases += [row[0] - lease_now for row in await rows(database, t.outbox, "lease_until")]
    assert leases[0] < 400_000_000 and leases[1] < 400_000_000 and leases[2] == 30_000_000, "a dead owner's lease ends"


async def test_one_of_many_leads_and_the_finding_stands_once_XR1(database: Database) -> None:
    store = SqlClockStore(database, IdSupply(database))
    assert await store.load_high() is None and not await step_back(database)
    await store.keep_high(HIGH)
    await store.keep_high(HIGH - 2 * HOUR)
    assert await store.load_high() == HIGH
    done = await asyncio.gather(*(step_back(database, f"p{n}") for n in range(5)))
    assert sorted(done) == [False] * 4 + [True]
    found = await database.read(
        lambda c: c.execute(select(t.integrity_findings.c.kind, t.integrity_findings.c.facts)).all()
    )
    assert [row.kind for row in found] == ["clock_back"] and '"seconds":3600' in found[0].facts.replace(" ", "")
    fences = await database.read(lambda c: c.execute(select(t.leases.c.name, t.leases.c.fence)).all())
    assert [row.name for row in fences] == ["clock_back"] and fences[0].fence >= 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(seconds=st.integers(-5, 4_000_000))
async def test_only_a_step_back_beyond_five_seconds_is_one_FS1_FS2(sqlite_database: Database, seconds: int) -> None:
    """Forward, however far, and the trembling of a clock change nothing."""
    store = SqlClockStore(sqlite_database, IdSupply(sqlite_database))
    await sqlite_database.execute(delete(t.key_values))
    await store.keep_high(HIGH)
    assert not await step_back(sqlite_database, now=HIGH + timedelta(seconds=seconds))
    assert await step_back(sqlite_database, now=HIGH - timedelta(seconds=abs(seconds) + 6))


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> Any:
    db = open_database(sqlite_url, time.monotonic)
    yield db
    await db.close()
