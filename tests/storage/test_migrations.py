"""The changes in storage/migrations make exactly the tables the code was written for, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from storage import migrate
from storage.db import open_database


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
    migrate.upgrade(empty_url)
    shapes = []
    for url in (empty_url, database_url):
        db = open_database(url)
        shapes.append(await db.read(_shape))
        assert await db.read(migrate.differences) == []
        await db.close()
    made, wanted = shapes
    assert made == wanted, 'write the missing change: python -m storage.migrate revision "why"'


async def test_a_database_is_upgraded_once_however_often_it_is_asked(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    assert migrate.behind(empty_url)
    migrate.upgrade(empty_url)
    db = open_database(empty_url)

    def keep(connection: Connection) -> None:
        connection.execute(text("INSERT INTO house (name, value) VALUES ('kept', 'yes')"))

    await db.write(keep)
    await db.close()
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()
    assert not migrate.behind(empty_url)
    db = open_database(empty_url)
    assert await db.read(lambda c: c.execute(text("SELECT value FROM house WHERE name = 'kept'")).scalar()) == "yes"
    await db.close()


def test_processes_that_start_together_upgrade_one_after_another(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(migrate.upgrade, empty_url) for _ in range(4)]:
            done.result()
    assert not migrate.behind(empty_url)


def test_a_change_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    def begin_and_fail(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        migrate._on(empty_url, begin_and_fail)
    assert migrate._on(empty_url, lambda c: inspect(c).get_table_names()) == []


async def test_old_code_sees_that_the_database_has_moved_on_fd12(database_url: str) -> None:
    """FD12: the gate is one short read, asked before work is taken."""
    db = open_database(database_url)
    assert await db.read(migrate.fits)
    await db.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None)
    assert not await db.read(migrate.fits)
    assert migrate.behind(database_url)
    await db.close()


async def test_a_database_without_tables_takes_no_work(empty_url: str) -> None:
    db = open_database(empty_url)
    assert not await db.read(migrate.fits)
    await db.close()


def test_the_versions_are_one_chain_without_a_fork() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migrate.head()]
    assert [s.revision for s in reversed(list(scripts.walk_revisions()))] == [
        f"{n:04d}" for n in range(1, int(migrate.head() or 0) + 1)
    ]
