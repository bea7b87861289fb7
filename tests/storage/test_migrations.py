"""The migrations make exactly the tables the code was written for, on both engines."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select, text

from storage import tables as t
from storage.engine import versions
from storage.engine.open import open_database
from storage.tables import metadata


def _find_differences(connection: Connection) -> list[object]:
    """Return what Alembic would still change to make the database match `storage/tables`."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def _describe(connection: Connection) -> dict[str, object]:
    """Return every table with its columns, keys and indexes, as the engine itself describes them."""
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
    source, name, sql = {
        "sqlite": ("sqlite_master", "name", "sql"), "postgresql": ("pg_indexes", "indexname", "indexdef"),
    }[connection.dialect.name]  # fmt: skip
    rows = connection.execute(text(f"SELECT {name}, {sql} FROM {source} WHERE {sql} LIKE '%WHERE%'"))
    shape["partial indexes"] = sorted((index, " ".join(definition.split())) for index, definition in rows)
    return shape


async def test_all_migrations_together_make_the_tables_of_the_code(empty_url: str, database_url: str) -> None:
    versions.upgrade(empty_url)
    shapes = []
    for url in (empty_url, database_url):
        db = open_database(url, time.monotonic)
        shapes.append(await db.read(_describe))
        assert await db.read(_find_differences) == []
        await db.close()
    migrated, wanted = shapes
    assert migrated == wanted, 'write the missing migration: python -m storage.engine.versions revision "why"'


async def test_a_database_is_upgraded_once_however_often_an_upgrade_is_asked_for(empty_url: str) -> None:
    assert versions.read_version(empty_url) is None
    assert versions.read_version(empty_url) != versions.code_version()
    versions.upgrade(empty_url)
    db = open_database(empty_url, time.monotonic)
    await db.execute(insert(t.house).values(name="kept", value="yes"))
    await db.close()
    versions.upgrade(empty_url)
    assert versions.read_version(empty_url) == versions.code_version()
    assert versions.read_version(empty_url) == versions.code_version()
    db = open_database(empty_url, time.monotonic)
    kept = select(t.house.c.value).where(t.house.c.name == "kept")
    assert await db.read(lambda c: c.execute(kept).scalar()) == "yes"
    await db.close()


def test_processes_that_start_together_upgrade_one_after_another(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(versions.upgrade, empty_url) for _ in range(4)]:
            done.result()
    assert versions.read_version(empty_url) == versions.code_version()


def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    def begin_and_fail(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        raise RuntimeError("power failure")

    with pytest.raises(RuntimeError):
        versions._run_on(empty_url, begin_and_fail)
    assert versions._run_on(empty_url, lambda c: inspect(c).get_table_names()) == []


def test_the_migrations_are_one_chain_without_a_fork() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(versions.__file__).parents[1] / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [versions.code_version()]
    assert [s.revision for s in reversed(list(scripts.walk_revisions()))] == [
        f"{n:04d}" for n in range(1, int(versions.code_version() or 0) + 1)
    ]
