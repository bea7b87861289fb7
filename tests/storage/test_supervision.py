"""What automatic supervision looks for: found while it lies, and not found again once it is supervised."""

from datetime import date, timedelta

from sqlalchemy import insert, update

from backend.domain.acts import SYSTEM
from backend.domain.instants import to_micros
from storage import tables as t
from storage.deadlines.due import SqlDueStore
from storage.deadlines.supervision import SqlSupervisionStore
from storage.engine.database import Database
from tests.tickets.world import DISPATCHER, HANDLER, SUPERVISOR, World

HOUR = timedelta(hours=1)


async def open_world(database: Database) -> tuple[World, SqlSupervisionStore]:
    return await World(database).open(), SqlSupervisionStore(database)


async def dispatch(world: World, no: str) -> int:
    """Add a ticket and dispatch it; return the id of the assignment."""
    await world.add_ticket(no)
    await world.act("dispatch", DISPATCHER, no, unit="U01")
    lead = (await world.load(no)).lead
    assert lead is not None
    return lead.id


async def test_an_assignment_with_a_red_card_is_found_until_it_is_supervised(database: Database) -> None:
    world, supervision = await open_world(database)
    lead = await dispatch(world, "T1")
    assert await supervision.list_red(world.at + HOUR, 9) == []
    await database.execute(update(t.assignments).values(red_card_at=to_micros(world.at)))
    assert [found.assignment_id for found in await supervision.list_red(world.at + HOUR, 9)] == [lead]
    assert await supervision.list_red(world.at - HOUR, 9) == []
    world.at += timedelta(minutes=5)
    await world.act("supervise", SUPERVISOR, "T1", reason="请加快")
    assert await supervision.list_red(world.at + HOUR, 9) == []


async def test_an_exposed_assignment_is_found_from_acceptance_of_the_ledger_line_until_it_is_supervised(
    database: Database,
) -> None:
    world, supervision = await open_world(database)
    lead = await dispatch(world, "T1")
    await dispatch(world, "T2")
    row = {"id": 1, "kind": "exposure", "unit": "U01", "month": "2026-11", "count": 1, "note": "", "evidence": "",
            "facts": "{}", "entered_by": "C", "entered_at": 0, "state": "entered", "tickets": '["T1", "T9"]'}  # fmt: skip
    await database.execute(insert(t.ledger_lines).values(**row))
    assert await supervision.list_exposed(world.at + HOUR, 9) == []
    await database.execute(update(t.ledger_lines).values(state="accepted", reviewed_at=to_micros(world.at)))
    (found,) = await supervision.list_exposed(world.at + HOUR, 9)
    assert (found.assignment_id, found.unit, found.since) == (lead, "U01", world.at)
    assert await supervision.list_exposed(world.at + timedelta(days=40), 9) == [], "long past"
    world.at += timedelta(minutes=5)
    await world.act("supervise", SUPERVISOR, "T1", reason="请加快")
    assert await supervision.list_exposed(world.at + HOUR, 9) == []


async def test_the_day_of_a_recheck_is_found_until_the_unit_has_its_task_XM3(database: Database) -> None:
    world, supervision = await open_world(database)
    lead, day = await dispatch(world, "T1"), world.at.date()
    other = await dispatch(world, "T2")
    await world.act("sign", HANDLER, "T1")
    await database.execute(update(t.assignments).values(
        close_type="explained_unresolvable", closed_at=to_micros(world.at), revisit_on=day.isoformat()))  # fmt: skip
    await database.execute(update(t.tickets).values(state="finalized", closed_at=to_micros(world.at)))

    async def list_ids(until: date) -> set[int]:
        return {found.assignment_id for found in await supervision.list_rechecks(until, 9)}

    assert await list_ids(day - timedelta(days=1)) == set()
    assert await list_ids(day) == await list_ids(day + timedelta(days=400)) == {lead, other}
    assert await SqlDueStore(database).list_to_archive(world.at + HOUR, 9) == [], "both wait to be looked at again"
    await world.act("recheck", SYSTEM, "T1")
    assert await list_ids(day) == {other}
    assert len(await SqlDueStore(database).list_to_archive(world.at + HOUR, 9)) == 1
