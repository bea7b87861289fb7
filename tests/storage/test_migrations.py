"""The migrations make exactly the tables the code was written for, on both engines."""

import asyncio
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select, text

from backend.domain.refusals import Refused
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
    await db.execute(insert(t.key_values).values(name="kept", value="yes"))
    await db.close()
    versions.upgrade(empty_url)
    assert versions.read_version(empty_url) == versions.code_version()
    assert versions.read_version(empty_url) == versions.code_version()
    db = open_database(empty_url, time.monotonic)
    kept = select(t.key_values.c.value).where(t.key_values.c.name == "kept")
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


CHAIN = [("1", False), ("2", False), ("3", True), ("4", False), ("5", True), ("6", True)]


@pytest.mark.parametrize(
    ("current", "contract", "target"),
    [
        (None, False, "6"),  # nobody ever worked there
        ("1", False, "4"),  # a contraction before an expansion cannot be left out
        ("3", False, "4"),
        ("4", False, "4"),  # those at the end wait
        ("5", False, "5"),
        ("6", False, "6"),
        ("1", True, "6"),
        ("4", True, "6"),
        ("6", True, "6"),
    ],
)
def test_contractions_at_the_end_wait_until_they_are_asked_for_XR2(
    current: str | None, contract: bool, target: str
) -> None:
    chain = [versions.Migration(number, is_contract) for number, is_contract in CHAIN]
    assert versions.find_target(chain, current, contract=contract) == target


def test_every_migration_says_of_which_kind_it_is_XR2() -> None:
    files = sorted((Path(versions.__file__).parents[1] / "migrations" / "versions").glob("[0-9]*.py"))
    kinds = {file.name: re.findall(r'(?m)^kind = "(expand|contract)"$', file.read_text("utf-8")) for file in files}
    assert files and {name for name, said in kinds.items() if len(said) != 1} == set()


def write_next(folder: Path, number: int, kind: str, change: str) -> None:
    """Write the migration that some later code might bring."""
    (folder / "versions" / f"{number:04d}_next.py").write_text(
        f"from alembic import op\nimport sqlalchemy as sa\nrevision = '{number:04d}'\ndown_revision = '{number - 1:04d}'\n"
        f"branch_labels = depends_on = None\nkind = '{kind}'\n\n\ndef upgrade():\n    {change}\n", "utf-8",
    )  # fmt: skip


@pytest.fixture
def later_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Code with two more migrations than ours: it widens `units`, and then drops what it no longer needs."""
    folder = tmp_path / "migrations"
    shutil.copytree(versions.HERE, folder)
    column = "sa.Column('later', sa.Text(), nullable=True)"
    write_next(folder, 2, "expand", f"op.add_column('units', {column})")
    write_next(folder, 3, "contract", "op.drop_column('units', 'region')")
    monkeypatch.setattr(versions, "HERE", folder)
    versions.code_version.cache_clear()
    yield
    versions.code_version.cache_clear()


def test_a_database_in_use_is_widened_first_and_loses_nothing_until_the_contraction_XR2(
    database_url: str, later_chain: None
) -> None:
    def list_columns() -> set[str]:
        return versions._run_on(database_url, lambda c: {str(one["name"]) for one in inspect(c).get_columns("units")})

    assert versions.get_own_numbers()["schema"] == 3 and versions.read_version(database_url) == "0001"
    versions.upgrade(database_url)
    found = versions.read_standing(database_url)
    assert (found.version, found.gate["schema"]) == ("0002", (3, 1)) and {"region", "later"} <= list_columns()


NUMBERS = versions.get_own_numbers()
NEWER = {part: own + 1 for part, own in NUMBERS.items()}


async def test_an_upgrade_admits_newer_code_beside_former_and_a_contraction_only_newer_XR2(database_url: str) -> None:
    async def stand() -> tuple[bool, bool, bool, bool]:
        """Whether former code is too old, newer code must wait for an upgrade, and whom older code of each is beside."""
        found = await asyncio.to_thread(versions.read_standing, database_url)
        return (
            found.is_ahead(NUMBERS), found.is_behind(NEWER), found.admits_older(NUMBERS), found.admits_older(NEWER),
        )  # fmt: skip

    assert await stand() == (False, True, False, True)
    versions.upgrade(database_url, numbers=NEWER)
    assert await stand() == (False, False, False, True)
    versions.upgrade(database_url)  # by former code, which finds nothing to do: no number is lowered
    assert await stand() == (False, False, False, True)
    versions.upgrade(database_url, contract=True, numbers=NEWER)
    assert await stand() == (True, False, False, False)


@pytest.mark.parametrize(
    ("code", "number", "age", "refused"),
    [
        (NUMBERS["schema"], 3, 5, True), (NUMBERS["schema"], 3, 59, True), ("of another time", 1, 5, True), ("", 1, 5, True),
        (NUMBERS["schema"] + 1, 3, 5, False), (NUMBERS["schema"] + 9, 3, 5, False), (NUMBERS["schema"], 3, 61, False),
        (NUMBERS["schema"], 0, 5, False),  # a role that its last process left behind
    ],
)  # fmt: skip
async def test_no_contraction_while_older_code_beats_XR2(
    postgres_url: str, code: int | str, number: int, age: int, refused: bool
) -> None:
    """An SQLite file is locked by whoever upgrades it: nobody can beat there."""
    written = f"{code:04d}" if isinstance(code, int) else code
    row = {"process": "p", "host": "h1", "roles": "worker", "code": written, "workers": "{}", "lane_head": "{}"}
    db = open_database(postgres_url, time.monotonic)
    await db.execute(insert(t.beats).values(row | {"number": number, "at": 0}))
    await db.execute(text(f"UPDATE beats SET at = {db.lease_clock.sql} - {age} * 1000000"))
    versions.upgrade(postgres_url, numbers=NEWER)  # an expansion asks for nobody's leave
    if refused:
        with pytest.raises(Refused) as why:
            versions.upgrade(postgres_url, contract=True, numbers=NEWER)
        assert why.value.code == "old_code_running" and why.value.facts == {"host": "h1", "version": written}
    else:
        versions.upgrade(postgres_url, contract=True, numbers=NEWER)
    assert versions.read_standing(postgres_url).is_ahead(NUMBERS) is not refused
    await db.close()


async def test_an_upgrade_by_former_code_leaves_a_newer_database_alone_FD12(database_url: str) -> None:
    db = open_database(database_url, time.monotonic)
    await db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused) as why:
        versions.upgrade(database_url)
    assert why.value.code == "database_ahead" and versions.read_version(database_url) == "9999"
    await db.close()


async def test_a_new_database_admits_no_code_older_than_what_made_it_XR2(empty_url: str) -> None:
    versions.upgrade(empty_url)
    found = versions.read_standing(empty_url)
    assert found.gate == {part: (own, own) for part, own in NUMBERS.items()}
    assert not found.is_ahead(NUMBERS) and not found.is_behind(NUMBERS) and not found.admits_older(NUMBERS)
