"""The changes in storage/migrations make exactly the tables the code was written for, on both engines."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from storage.engine import versions
from storage.engine.database import open_database


def _shape(connection: Connection) -> dict[str, object]:
    """Every table with its columns, keys and indexes, as the engine itself describes them."""
    found = inspect(connection)
    shape: dict[str, object] = {}
    for table in sorted(found.get_table_names()):
        columns = [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(table)]
        shape[table] = (
            columns,
            found.get_pk_constraint(table)["constrained_columns"],
            sorted(str(u["column_names"]) for u in found.get_unique_constraints(table)),
            sorted((str(i["name"]), str(i["column_names"]), i["unique"]) for i in found.get_indexes(table)),
        )
    source = "sqlite_master" if connection.dialect.name == "sqlite" else "pg_indexes"
    partial = "sql" if connection.dialect.name == "sqlite" else "indexdef"
    named = "name" if connection.dialect.name == "sqlite" else "indexname"
    rows = connection.execute(text(f"SELECT {named}, {partial} FROM {source} WHERE {partial} LIKE '%WHERE%'"))
    shape["partial indexes"] = sorted((name, " ".join(sql.split())) for name, sql in rows)
    return shape


async def test_every_change_together_makes_the_tables_of_the_code(empty_url: str, database_url: str) -> None:
    versions.upgrade(empty_url)
    shapes = []
    for url in (empty_url, database_url):
        db = open_database(url, time.monotonic)
        shapes.append(await db.read(_shape))
        assert await db.read(versions.find_differences) == []
        await db.close()
    made, wanted = shapes
    assert made == wanted, 'write the missing change: python -m storage.engine.versions revision "why"'


async def test_a_database_is_upgraded_once_however_often_it_is_asked(empty_url: str) -> None:
    assert versions.read_version(empty_url) is None
    assert versions.is_other_version(empty_url)
    versions.upgrade(empty_url)
    db = open_database(empty_url, time.monotonic)

    def keep(connection: Connection) -> None:
        connection.execute(text("INSERT INTO house (name, value) VALUES ('kept', 'yes')"))

    await db.write(keep)
    await db.close()
    versions.upgrade(empty_url)
    assert versions.read_version(empty_url) == versions.code_version()
    assert not versions.is_other_version(empty_url)
    db = open_database(empty_url, time.monotonic)
    assert await db.read(lambda c: c.execute(text("SELECT value FROM house WHERE name = 'kept'")).scalar()) == "yes"
    await db.close()


def test_processes_that_start_together_upgrade_one_after_another(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(versions.upgrade, empty_url) for _ in range(4)]:
            done.result()
    assert not versions.is_other_version(empty_url)


def test_a_change_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    def begin_and_fail(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        versions._run_on(empty_url, begin_and_fail)
    assert versions._run_on(empty_url, lambda c: inspect(c).get_table_names()) == []


async def test_old_code_sees_that_the_database_has_moved_on_fd12(database_url: str) -> None:
    """FD12: the gate is one short read, asked before work is taken."""
    db = open_database(database_url, time.monotonic)
    assert await db.read(versions.is_this_version)
    await db.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None)
    assert not await db.read(versions.is_this_version)
    assert versions.is_other_version(database_url)
    await db.close()


async def test_a_database_without_tables_takes_no_work(empty_url: str) -> None:
    db = open_database(empty_url, time.monotonic)
    assert not await db.read(versions.is_this_version)
    await db.close()


def test_the_versions_are_one_chain_without_a_fork() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(versions.__file__).parents[1] / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [versions.code_version()]
    assert [s.revision for s in reversed(list(scripts.walk_revisions()))] == [
        f"{n:04d}" for n in range(1, int(versions.code_version() or 0) + 1)
    ]
