"""The schema version: upgrades a database to this code's, reports which it has, and writes the next migration.

A process whose code does not match the database's version must not take work (FD12): `fits` checks in one short read.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

T = TypeVar("T")
HERE = Path(__file__).parents[1] / "migrations"
UPGRADE_LOCK = 0x6A696573  # "jies": the advisory lock that lets one process at a time change a PostgreSQL database


def upgrade(url: str) -> None:
    """Upgrade the database at this URL to this code's version, in one transaction.

    Harmless if it is up to date, or if several processes start at once. Raises the engine's error if the database
    cannot be reached, and alembic's CommandError if it is of a newer version than this code.
    """
    from alembic import command

    _run_on(url, lambda connection: command.upgrade(_config(connection), "head"))


def create_tables(url: str) -> None:
    """Create all tables of an empty database from `storage/tables`, stamped with this code's version.

    For tests and benches: faster than all migrations; tests/storage/test_migrations.py shows the result is the same.
    """
    from alembic import command

    from storage.tables import metadata

    def make(connection: Connection) -> None:
        metadata.create_all(connection)
        command.stamp(_config(connection), "head")

    _run_on(url, make)


def read_version(url: str) -> str | None:
    """Return the version of the database at this URL; None if it has none of our tables."""
    return _run_on(url, read_version_of)


def read_version_of(connection: Connection) -> str | None:
    """Return the version of the database behind a connection; None if it has none."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def is_this_version(connection: Connection) -> bool:
    """Whether the database has exactly the version this code was written for (`await db.read(fits)`)."""
    try:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == code_version()
    except DBAPIError:
        return False


@cache
def code_version() -> str | None:
    """Return the version this code was written for: the number of the newest file in `migrations/versions`."""
    numbers = [file.name.split("_", 1)[0] for file in (HERE / "versions").glob("[0-9]*.py")]
    return max(numbers, default=None)


def write_migration(why: str) -> Path:
    """Write the migration from the newest version to `storage/tables` as a numbered file; review before committing."""
    from alembic import command

    number = f"{int(code_version() or 0) + 1:04d}"
    with tempfile.TemporaryDirectory() as scratch:
        url = f"sqlite:///{scratch}/scratch.db"
        upgrade(url)

        def write(connection: Connection) -> Path:
            script = command.revision(_config(connection), why, autogenerate=True, rev_id=number)
            assert script is not None
            assert not isinstance(script, list)
            return Path(script.path)

        written = _run_on(url, write)
    lines = written.read_text("utf-8").splitlines(keepends=True)
    written.write_text("".join(line for line in lines if not line.strip().startswith("# ###")), "utf-8")
    beside = str(Path(sys.executable).parent)
    if ruff := shutil.which("ruff", path=os.pathsep.join((beside, os.environ["PATH"]))):
        subprocess.run([ruff, "format", "--quiet", str(written)], check=True)
    code_version.cache_clear()
    return written


def _config(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _run_on(url: str, work: Callable[[Connection], T]) -> T:
    """Run a function in one transaction on its own connection, whether or not an event loop is running."""
    if make_url(url).get_backend_name() == "sqlite":
        return _run_on_sqlite(url, work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_run_on_postgres(url, work))).result()


def _run_on_sqlite(url: str, work: Callable[[Connection], T]) -> T:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _connected(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # or the driver would commit before each CREATE TABLE
        raw.execute("PRAGMA busy_timeout=5000")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()


async def _run_on_postgres(url: str, work: Callable[[Connection], T]) -> T:
    from sqlalchemy.ext.asyncio import create_async_engine

    def alone(connection: Connection) -> T:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        return work(connection)

    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool, connect_args={"timeout": 10}
    )
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(alone)
    finally:
        await engine.dispose()


def main(arguments: list[str]) -> int:
    """`python -m storage.engine.versions revision "why"`, `… upgrade URL`, `… current URL`; the exit status."""
    match arguments:
        case ["revision", why]:
            sys.stdout.write(f"{write_migration(why)}\n")
        case ["upgrade", url]:
            upgrade(url)
        case ["current", url]:
            sys.stdout.write(f"{read_version(url) or '-'} (this code: {code_version() or '-'})\n")
        case _:
            sys.stderr.write((main.__doc__ or "") + "\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
