"""A transaction is whole or nothing, whatever collides, is cancelled or fails in it; nobody is told of a locked file."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from storage import tables as t
from storage.engine.database import Database
from storage.engine.open import open_database
from storage.engine.postgres import MAX_ATTEMPTS
from tests.figures import SIZES, Figures, choose_size
from tests.tickets.world import DISPATCHER, World

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


def put(name: str, value: str = "1") -> Callable[[Connection], None]:
    """A function that keeps a value under a name."""
    return lambda c: c.execute(insert(t.key_values).values(name=name, value=value)) and None


async def list_names(db: Database) -> set[str]:
    return set(await db.read(lambda c: c.execute(select(t.key_values.c.name)).scalars().all()))


@SQLITE
@SIZES
async def test_many_writers_on_one_file_are_never_told_that_it_is_locked_FD2_G8(
    database: Database, sqlite_url: str, size: str, figures: Figures
) -> None:
    seconds = choose_size(size, small=1, quick=60, full=1_800)
    other = open_database(sqlite_url, time.monotonic)  # as a second process has it
    told, kept, until = [0], [0], time.monotonic() + seconds

    async def work(db: Database, worker: int) -> None:
        number = 0
        while time.monotonic() < until:
            number += 1
            try:
                await db.write(put(f"w{worker}-{number}"))
                await db.read(lambda c: c.execute(select(t.key_values.c.name).limit(50)).all())
            except Exception:
                told[0] += 1
            else:
                kept[0] += 1

    await asyncio.gather(*(work(other if worker % 2 else database, worker) for worker in range(16)))
    figures.report("G8", minutes=seconds / 60, writes=kept[0], locked=told[0])
    assert len(await list_names(database)) == kept[0] > 16
    await other.close()


@POSTGRESQL
async def test_a_deadlock_is_resolved_by_trying_again_FD10(database: Database) -> None:
    for name in ("a", "b"):
        await database.write(put(name))

    def change(first: str, second: str) -> Callable[[Connection], None]:
        def work(c: Connection) -> None:
            for name in (first, second):
                c.execute(update(t.key_values).where(t.key_values.c.name == name).values(value=first))
                c.execute(text("SELECT pg_sleep(0.3)"))

        return work

    await asyncio.gather(database.write(change("a", "b")), database.write(change("b", "a")))
    values = await database.read(lambda c: c.execute(select(t.key_values.c.value)).scalars().all())
    assert len(set(values)) == 1, "the later of the two wrote both"


@POSTGRESQL
async def test_what_always_collides_is_tried_three_times_and_then_fails_cleanly_FD10(database: Database) -> None:
    tries = []

    def collide(c: Connection) -> None:
        tries.append(1)
        put(f"half{len(tries)}")(c)
        c.execute(text("DO $$ BEGIN RAISE EXCEPTION 'collision' USING ERRCODE = '40001'; END $$"))

    with pytest.raises(DBAPIError):
        await database.write(collide)
    assert len(tries) == MAX_ATTEMPTS == 3
    assert await list_names(database) == set()
    await database.write(put("after"))


async def test_a_task_cancelled_in_a_transaction_leaves_all_or_nothing_and_a_clean_connection_FD19(
    database: Database,
) -> None:
    def keep_two(number: int) -> Callable[[Connection], None]:
        def work(c: Connection) -> None:
            put(f"{number}-first")(c)
            if database.dialect == "postgresql":
                c.execute(text("SELECT pg_sleep(0.02)"))
            put(f"{number}-second")(c)

        return work

    for number in range(20):
        task = asyncio.create_task(database.write(keep_two(number)))
        await asyncio.sleep(number * 0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.gather(*(database.write(put(f"after{number}")) for number in range(30)))
    names = await list_names(database)
    assert {f"after{number}" for number in range(30)} <= names
    for number in range(20):
        assert (f"{number}-first" in names) == (f"{number}-second" in names)


async def test_a_move_without_its_journal_line_is_impossible_FD17(database: Database) -> None:
    world = await World(database).open()
    await world.add_ticket()
    before = await _load_all(database)
    for table in ("journal", "duties", "outbox", "assignments"):  # whichever write of a move fails
        await database.write(lambda c, table=table: c.execute(text(f"ALTER TABLE {table} RENAME TO gone")) and None)
        with pytest.raises(Exception, match=f'(no such table: |relation ")(main\\.)?{table}'):
            await world.act("dispatch", DISPATCHER, unit="U01")
        await database.write(lambda c, table=table: c.execute(text(f"ALTER TABLE gone RENAME TO {table}")) and None)
        assert await _load_all(database) == before, table
    await world.act("dispatch", DISPATCHER, unit="U01")
    assert (await world.load()).ticket.version == 2


async def _load_all(db: Database) -> list[Any]:
    tables = (t.tickets, t.assignments, t.duties, t.outbox, t.journal)
    return [
        sorted(map(tuple, await db.read(lambda c, one=one: c.execute(select(one)).all())), key=str) for one in tables
    ]
