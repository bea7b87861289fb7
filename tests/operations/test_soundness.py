"""Checks of a database's pages find what is damaged, on either engine, and stop nobody (XR4, FD16, G30)."""

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.app.build_storage import build_soundness
from backend.app.config import Config
from backend.app.place import inspect_place
from backend.ports.availability import Unavailable
from backend.ports.operations import Damage
from storage.engine.database import Database
from storage.engine.open import open_database
from storage.engine.postgres import connect
from storage.office.key_values import SqlKeyValueStore
from storage.operations.soundness import SqliteSoundness
from storage.operations.soundness_postgres import PostgresSharedDamage, PostgresSoundness, list_missing_safeguards
from tests.operations.conftest import populate
from tests.operations.flipped_pages import PAGE, Page, flip, is_sound, list_pages, make_pages_small


@pytest.fixture
async def file(sqlite_url: str) -> Path:
    """A closed file in which tables have roots, inner and leaf pages."""
    found = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(found)) as connection, connection:
        connection.executemany(
            "INSERT INTO key_values (name, value) VALUES (?, ?)", [(f"n{n:04}", "v" * 90) for n in range(600)]
        )
    make_pages_small(found)
    return found


def check(file: Path) -> SqliteSoundness:
    return SqliteSoundness(f"sqlite:///{file}", time.monotonic)


async def test_a_sound_database_is_found_sound_while_it_is_written_to_XR4(
    database: Database, database_url: str
) -> None:
    await populate(database)
    soundness, _ = build_soundness(Config(database_url=database_url))
    assert await soundness.check_some(60, deep=True) == [] == await soundness.check_all()


@pytest.mark.parametrize("part", ["root", "inner", "leaf"])
async def test_a_page_that_is_none_any_more_is_found_by_each_check_FD16(file: Path, part: str) -> None:
    page = next(page for page in list_pages(file) if (page.table, page.part) == ("key_values", part))
    assert await check(file).check_some(60) == []
    flip(file, page, 1)
    assert await check(file).check_all()
    assert await check(file).check_some(60) and await check(file).check_some(60, strict=True)


async def test_a_file_that_is_no_database_any_more_is_found_and_other_errors_are_not_taken_for_it_FD16(
    file: Path,
) -> None:
    flip(file, Page("", "root", 1), 0)  # "SQLite format 3"
    assert await check(file).check_all() == ["file is not a database"] == await check(file).check_some(1)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await check(file.with_name("none.db")).check_all()


async def test_a_check_goes_on_where_its_time_ended_and_the_first_one_is_broken_off_XR4(file: Path) -> None:
    page = next(page for page in list_pages(file) if page.table == "units")
    flip(file, page, 1)
    now = [0.0]

    def pass_a_second() -> float:
        now[0] += 1
        return now[0]

    soundness = SqliteSoundness(f"sqlite:///{file}", pass_a_second)
    turns = 0
    while not await soundness.check_some(0):
        turns += 1
    assert turns > 10, "a table a turn"
    assert not await SqliteSoundness(f"sqlite:///{file}", pass_a_second).check_some(0, strict=True)


async def test_a_check_leaves_the_wal_of_a_stopped_server_as_it_is_XR4(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO key_values (name, value) VALUES ('last', '1')")
        connection.commit()
        wal = file.with_name("jiesu.db-wal")
        before = wal.read_bytes()
        assert await check(file).check_all() == []
        assert wal.read_bytes() == before != b""


async def test_where_the_file_lies_is_told_before_it_is_opened_FD14(file: Path) -> None:
    config = Config(database_url=f"sqlite:///{file}")
    assert inspect_place(config, lambda: "a / ext4 rw 0 0\n") == []
    file.with_name("jiesu.db-shm").touch()
    assert inspect_place(config, lambda: "a / nfs4 rw 0 0\n") == ["network_drive", "wal_missing"]
    assert inspect_place(Config(database_url="postgresql://x/y"), lambda: "a / nfs4 rw 0 0\n") == []


def flip_each(pages: list[Page], times: int, dice: random.Random, file: Path) -> Callable[[], Any]:
    whole = file.read_bytes()

    def flips() -> Any:
        for table in sorted({page.table for page in pages}):
            for part in ("root", "inner", "leaf"):
                of_part = [page for page in pages if (page.table, page.part) == (table, part)]
                for _ in range(times if of_part else 0):
                    file.write_bytes(whole)
                    page, bit = dice.choice(of_part), dice.randrange(8 * PAGE)
                    flip(file, page, bit)
                    yield page, bit

    return flips


@pytest.mark.soak
@pytest.mark.timeout(1200)
async def test_whatever_bit_of_whatever_table_is_flipped_the_check_finds_what_sqlite_finds_G30(file: Path) -> None:
    found = 0
    for page, bit in flip_each(list_pages(file), 20, random.Random(16), file)():
        sound = is_sound(file)
        assert bool(await check(file).check_some(60, deep=True)) == (not sound), (page, bit)
        found += not sound
    assert found > 20  # most pages of a young database are empty


# -- PostgreSQL


async def damage_block(url: str, relation: str) -> None:
    """Overwrite the head of a relation's first block on disk; it was just rewritten past the server's cache."""
    async with connect(url) as raw:
        await raw.execute(
            "INSERT INTO key_values (name, value) SELECT 'n' || n, repeat('v', 90) FROM generate_series(1, 2000) n"
        )
        await raw.execute("VACUUM FULL key_values")
        await raw.execute("CHECKPOINT")
        path = Path(await raw.fetchval("SHOW data_directory")) / await raw.fetchval(
            f"SELECT pg_relation_filepath('{relation}')"
        )
    with path.open("r+b") as content:
        content.seek(8192 if relation == "key_values" else 8192 + 4096)
        content.write(bytes(range(24)))


async def test_a_damaged_block_is_found_by_the_check_and_makes_what_reads_it_read_only_FD16(postgres_url: str) -> None:
    async with connect(postgres_url) as raw:
        await raw.execute(
            "ALTER TABLE key_values DROP CONSTRAINT key_values_pkey"
        )  # or its building reads the table into memory
    await damage_block(postgres_url, "key_values")
    assert "invalid page" in (await PostgresSoundness(postgres_url).check_all())[0]
    db = open_database(postgres_url, time.monotonic)
    with pytest.raises(Unavailable, match="read_only"):
        await SqlKeyValueStore(db).list_by_prefix("n")
    assert db.condition.damage and db.condition.damage.code == "XX001"
    await db.close()


async def test_amcheck_finds_a_damaged_index_where_it_is_installed_XR4(postgres_url: str) -> None:
    assert "amcheck_missing" in await list_missing_safeguards(postgres_url)
    async with connect(postgres_url) as raw:
        if not await raw.fetchval("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"):
            pytest.skip("PostgreSQL's extension amcheck is not installed")
        await raw.execute("CREATE EXTENSION amcheck")
    assert "amcheck_missing" not in await list_missing_safeguards(postgres_url)
    assert await PostgresSoundness(postgres_url).check_all() == []
    await damage_block(postgres_url, "key_values_pkey")
    assert await PostgresSoundness(postgres_url).check_all()


async def test_machines_share_one_row_about_damage_XR4(postgres_url: str) -> None:
    row = PostgresSharedDamage(postgres_url)
    assert await row.read() is None
    await row.lift()
    assert await row.tell(Damage("XX001", "block 3")) == Damage("XX001", "block 3", 1)
    assert await row.tell(Damage("XX002")) == Damage("XX001", "block 3", 1), "the first one stays"
    await row.lift()
    assert await row.read() == (Damage("XX001", "block 3", 1), True)
    assert (await row.tell(Damage("XX002", number=7))).number == 8
