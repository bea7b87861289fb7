"""The shelf of standing orders on both engines: what lies too long is found, and not found again once it was ordered."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update

from backend.domain.instants import to_micros
from backend.domain.records import Message
from storage import tables as t
from storage.deadlines.supervision import SqlSupervisionStore
from storage.engine.database import Database
from tests.delivery.world import HANDLER, SUPERVISOR, World

HOUR = timedelta(hours=1)


async def change(world: World, table: Any, **values: Any) -> None:
    await world.db.write(lambda c: c.execute(update(table).values(**values)) and None)


async def test_what_lies_red_is_found_until_it_is_supervised(database: Database) -> None:
    world, orders = await World(database).open(), SqlSupervisionStore(database)
    lead = await world.dispatch_ticket("T1")
    assert await orders.list_red(world.at + HOUR, 9) == []
    await change(world, t.assignments, red_card_at=to_micros(world.at))
    assert [w.assignment_id for w in await orders.list_red(world.at + HOUR, 9)] == [lead]
    assert await orders.list_red(world.at - HOUR, 9) == []
    world.pass_time(minutes=5)
    await world.act("supervise", SUPERVISOR, "T1", reason="请加快")
    assert await orders.list_red(world.at + HOUR, 9) == []


async def test_what_was_exposed_is_found_once_accepted_and_until_it_is_supervised(database: Database) -> None:
    world, orders = await World(database).open(), SqlSupervisionStore(database)
    lead = await world.dispatch_ticket("T1")
    await world.dispatch_ticket("T2")
    line = {"id": 1, "kind": "exposure", "unit": "U01", "month": "2026-11", "count": 1, "note": "", "evidence": "",
            "facts": "{}", "entered_by": "C", "entered_at": 0, "state": "entered", "tickets": '["T1", "T9"]'}  # fmt: skip
    await database.write(lambda c: c.execute(insert(t.ledger).values(**line)) and None)
    assert await orders.list_exposed(world.at + HOUR, 9) == []
    await change(world, t.ledger, state="accepted", reviewed_at=to_micros(world.at))
    (found,) = await orders.list_exposed(world.at + HOUR, 9)
    assert (found.assignment_id, found.unit, found.since) == (lead, "U01", world.at)
    assert await orders.list_exposed(world.at + timedelta(days=40), 9) == [], "long past"
    world.pass_time(minutes=5)
    await world.act("supervise", SUPERVISOR, "T1", reason="请加快")
    assert await orders.list_exposed(world.at + HOUR, 9) == []


async def test_the_day_to_look_again_is_told_once(database: Database) -> None:
    world, orders = await World(database).open(), SqlSupervisionStore(database)
    lead, day = await world.dispatch_ticket("T1"), world.at.date()
    await world.dispatch_ticket("T2")
    await world.act("sign", HANDLER, "T1")
    await change(world, t.assignments, close_type="explained_unresolvable", closed_at=to_micros(world.at),
                 revisit_on=day.isoformat())  # fmt: skip
    assert await orders.list_rechecks(day - timedelta(days=1), 9) == []
    found = await orders.list_rechecks(day, 9)
    assert len(found) == 2
    one = next(w for w in found if w.assignment_id == lead)
    await world.ids.refill()
    message = Message(world.ids.take(), "M34", "telegram", "H1", one.ticket_id, lead, 2, False, world.at, world.at, {})
    assert await orders.enqueue_once(one, [message])
    assert not await orders.enqueue_once(one, [message])
    assert lead not in [w.assignment_id for w in await orders.list_rechecks(day, 9)]
