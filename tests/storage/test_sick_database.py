"""A damaged database is only read and a full disk loses nothing, on either engine (XR4, FD5, FD16)."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from backend.ports.availability import Unavailable
from backend.ports.operations import Damage
from storage import tables as t
from storage.engine.condition import Condition
from storage.engine.database import Database
from storage.engine.open import guard_opening, open_database
from storage.engine.sqlite import SqliteDatabase
from storage.office.key_values import SqlKeyValueStore
from storage.tickets.moves import create_move_store
from tests.operations.flipped_pages import flip, is_sound, list_pages, make_pages_small

BIG = "x" * 200_000


async def refuse(work: object) -> str:
    """The cause by which this work is refused."""
    with pytest.raises(Unavailable) as refused:
        await work  # type: ignore[misc]
    return refused.value.cause


async def test_all_ways_of_writing_are_refused_and_reading_goes_on_FD16(database: Database) -> None:
    values = SqlKeyValueStore(database)
    await values.put("before", "1")
    database.condition.report(Damage("check"))
    assert await refuse(values.put("after", "1")) == "read_only"
    assert await refuse(database.write(lambda c: c.execute(text("DELETE FROM key_values")))) == "read_only"
    assert await refuse(create_move_store(database).create([None])) == "read_only"  # type: ignore[list-item]
    if database.dialect == "postgresql":
        for connect in (database.connect_autocommit, lambda: database.acquire_raw(writing=True)):  # type: ignore[attr-defined]
            with pytest.raises(Unavailable, match="read_only"):
                async with connect():
                    pass
        async with database.acquire_raw(writing=False) as raw:  # type: ignore[attr-defined]
            assert await raw.fetchval("SELECT value FROM key_values WHERE name = 'before'") == "1"
    assert await values.get("before") == "1" and await values.get("after") is None
    database.condition.lift()
    await values.put("after", "1")


async def test_an_error_of_damage_in_whatever_is_read_or_written_begins_read_only_mode_XR4(database: Database) -> None:
    def fail(_connection: Connection) -> None:
        raise _make_damage(database.dialect)

    for work in (database.read, database.write):
        assert await refuse(work(fail)) == "read_only"
        damage = database.condition.damage
        assert damage and damage.code in ("SQLITE_CORRUPT", "XX001") and "malformed" in damage.where
        database.condition.lift()


def _make_damage(dialect: str) -> Exception:
    if dialect == "postgresql":
        driver: Exception = asyncpg.DataCorruptedError("malformed page in block 3 of relation base/1/2")
    else:
        driver = sqlite3.DatabaseError("database disk image is malformed")
        driver.sqlite_errorcode, driver.sqlite_errorname = sqlite3.SQLITE_CORRUPT, "SQLITE_CORRUPT"  # type: ignore[attr-defined]
    return DBAPIError("…", None, driver)


async def test_what_is_damaged_is_neither_opened_nor_migrated_by_another_process_XR4(tmp_path: Path) -> None:
    file = tmp_path / "jiesu.db"
    file.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    condition = Condition(tmp_path / "state")
    with pytest.raises(Unavailable, match="read_only"), guard_opening(f"sqlite:///{file}", condition):
        sqlite3.connect(file).execute("SELECT * FROM sqlite_schema")
    assert condition.damage and condition.damage.code in ("SQLITE_NOTADB", "SQLITE_CORRUPT")
    with pytest.raises(ValueError), guard_opening(f"sqlite:///{file}", condition):
        raise ValueError("not about damage")


async def test_a_stored_value_that_cannot_be_decoded_is_no_accident_and_is_suspected_XR4(database: Database) -> None:
    def decode(_connection: Connection) -> int:
        return int("not a number")

    assert await refuse(database.read(decode)) == "unreadable"
    assert database.condition.is_suspect and database.condition.damage is None
    with pytest.raises(ValueError, match="not a number"):
        await database.write(decode)  # decides too: not all that goes wrong there was stored


async def test_a_full_file_refuses_a_commit_as_a_whole_and_keeps_what_it_confirmed_FD5(sqlite_url: str) -> None:
    db = open_database(sqlite_url, time.monotonic)
    pages = await db.write(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await db.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages + 400}").scalar_one())
    values = SqlKeyValueStore(db)
    await values.put("kept", BIG)
    puts = [values.put(f"n{n}", BIG) for n in range(12)]  # one commit, which the file has no room for
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert [getattr(result, "cause", None) for result in results] == ["disk_full"] * 12
    assert db.condition.is_full and db.condition.damage is None
    found = await db.fetch_column(select(t.key_values.c.name).where(t.key_values.c.value == BIG))
    assert found == ["kept"], "what was confirmed, and nothing that was refused"
    await values.put("more", BIG)  # the limit went with the connection that met it
    assert not db.condition.is_full
    await db.close()
    assert is_sound(Path(sqlite_url.removeprefix("sqlite:///")))


WRITER = """
import asyncio, resource, sys, time
from backend.ports.availability import Unavailable
from storage.engine.open import open_database
from storage.office.key_values import SqlKeyValueStore

async def main(url, limit):
    db = open_database(url, time.monotonic)
    values, kept, causes = SqlKeyValueStore(db), [], set()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for n in range(40):
        try:
            await values.put(f"n{n}", "x" * 60_000)
            kept.append(f"n{n}")
        except Unavailable as refused:
            causes.add(refused.cause)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await values.put("after", "1")
    print(*sorted(causes), *kept, "after")
    await db.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_a_process_whose_files_cannot_grow_goes_on_when_they_can_FD5(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    limit = file.stat().st_size + 300_000
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", WRITER, sqlite_url, str(limit)], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    cause, *kept = ran.stdout.splitlines()[-1].split()
    assert cause == "disk_full" and 1 < len(kept) < 40
    with sqlite3.connect(file) as connection:
        assert set(kept) <= {name for (name,) in connection.execute("SELECT name FROM key_values")}
    assert is_sound(file)


@pytest.mark.parametrize("part", ["root", "inner", "leaf"])
async def test_a_flipped_page_under_a_running_server_is_found_by_reading_it_FD16(
    sqlite_url: str, tmp_path: Path, part: str
) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with sqlite3.connect(file) as connection:
        connection.executemany(
            "INSERT INTO key_values (name, value) VALUES (?, ?)", [(f"n{n:05}", "v" * 90) for n in range(900)]
        )
    connection.close()
    make_pages_small(file)
    page = next(page for page in list_pages(file) if (page.table, page.part) == ("key_values", part))
    flip(file, page, 1)  # its kind
    db = SqliteDatabase(sqlite_url, time.monotonic, Condition(tmp_path / "state"))
    assert await refuse(db.fetch_rows(select(t.key_values))) == "read_only"
    assert await refuse(SqlKeyValueStore(db).put("more", "1")) == "read_only"
    assert await db.fetch_rows(select(t.tickets)) == [], "other tables are read"
    await db.close()
    again = SqliteDatabase(sqlite_url, time.monotonic, Condition(tmp_path / "state"))
    assert again.condition.damage and await refuse(SqlKeyValueStore(again).put("more", "1")) == "read_only"
    await again.close()
