"""The schema version: upgrades a database to this code's, reports which it has, and writes the next migration.

A migration says of which `kind` it is: older code may work on beside what it does (`expand`), or may not (`contract`).
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from backend.domain.refusals import Refused
from storage.engine.gate import MEANINGS, Numbers, raise_numbers, read_rows
from storage.engine.layout import refuse_unknown_layout

T = TypeVar("T")
HERE = Path(__file__).parents[1] / "migrations"
FIRST = "0001"
FRESH_SECONDS = 60  # a process that beat so lately may still be at work
UPGRADE_LOCK = 0x6A696573  # "jies": the advisory lock that lets one process at a time change a PostgreSQL database
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_READ_VERSION = text("SELECT version_num FROM alembic_version")
_LIST_FRESH_BEATS = text(
    "SELECT host, code FROM beats WHERE number > 0 AND at >"
    " (extract(epoch FROM clock_timestamp()) - :seconds) * 1000000 ORDER BY at DESC"
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/versions`."""

    number: str
    is_contract: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The version of a database, None without tables, and its gate: part → (format, least)."""

    version: str | None
    gate: dict[str, tuple[int, int]]

    def is_ahead(self, numbers: Numbers) -> bool:
        """Whether code of these numbers may not work there any more."""
        return any(own < self.gate.get(part, (0, 0))[1] for part, own in numbers.items())

    def is_behind(self, numbers: Numbers) -> bool:
        """Whether an upgrade must come before code of these numbers may work there."""
        return any(own > self.gate.get(part, (0, 0))[0] for part, own in numbers.items())

    def admits_older(self, numbers: Numbers) -> bool:
        """Whether code older than of these numbers may still work there."""
        return any(self.gate.get(part, (0, 0))[1] < own for part, own in numbers.items())


def upgrade(url: str, *, contract: bool = False, numbers: Numbers | None = None) -> None:
    """Upgrade the database at this URL for code of these numbers (this code), in one transaction (XR2).

    Former code may go on beside it, or come back, until `contract`: then migrations that it could not bear are made
    too, and it is admitted no more. Harmless if it is up to date, or if several processes start at once.

    Refused `database_foreign`, `database_of_old_layout`, `database_ahead`, `old_code_running`. Raises the engine's error if the database
    cannot be reached.
    """
    from alembic import command

    own = numbers or get_own_numbers()

    def work(connection: Connection) -> None:
        config = _config(connection)
        chain, current = read_chain(config), read_known_version(connection)
        if current is not None and current > chain[-1].number:
            raise Refused("database_ahead", version=current)
        target = find_target(chain, current, contract=contract)
        steps = [one for one in chain if (current or "") < one.number <= target]
        closing = max((int(one.number) for one in steps if one.is_contract), default=0)
        if current is not None and (contract or closing):
            _refuse_old_code(connection, own["schema"] if contract else closing)
        command.upgrade(config, target)
        raise_numbers(connection, own, own if contract or current is None else {"schema": closing})

    _run_on(url, work)


def find_target(chain: Sequence[Migration], current: str | None, *, contract: bool) -> str:
    """Return up to which migration an upgrade goes: contracting ones at the end wait, unless nobody ever worked there."""
    expanding = [one.number for one in chain if not one.is_contract]
    return chain[-1].number if contract or current is None else max([current, *expanding])


def _refuse_old_code(connection: Connection, least: int) -> None:
    """Refused `old_code_running` while a process whose code is older than migration `least` beat lately.

    Whoever upgrades an SQLite file has locked it: nobody else can be at work.
    """
    if connection.dialect.name == "sqlite" or not connection.dialect.has_table(connection, "beats"):
        return
    for host, code in connection.execute(_LIST_FRESH_BEATS, {"seconds": FRESH_SECONDS}):
        if not (code.isdecimal() and int(code) >= least):
            raise Refused("old_code_running", host=host, version=code)


def create_tables(url: str) -> None:
    """Create all tables of an empty database from `storage/tables`, stamped with this code's version.

    For tests and benches: faster than all migrations; tests/storage/test_migrations.py shows the result is the same.
    """
    from alembic import command

    from storage.tables import metadata

    def make(connection: Connection) -> None:
        metadata.create_all(connection)
        command.stamp(_config(connection), "head")
        raise_numbers(connection, get_own_numbers(), get_own_numbers())

    _run_on(url, make)


def read_version(url: str) -> str | None:
    """Return the version of the database at this URL; None if it has none of our tables."""
    return _run_on(url, read_version_of)


def read_version_of(connection: Connection) -> str | None:
    """Return the version of the database behind a connection; None if it has none."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(_READ_VERSION).scalar()


def read_known_version(connection: Connection) -> str | None:
    """Return the same of a database whose layout is known. Refused `database_foreign`, `database_of_old_layout`."""
    version = read_version_of(connection)
    refuse_unknown_layout(connection, version, code_version())
    return version


def read_standing(url: str) -> Standing:
    """Return how the database at this URL stands to any code. Refused `database_foreign`, `database_of_old_layout`."""
    return _run_on(url, lambda c: Standing(read_known_version(c), read_rows(c)))


def get_own_numbers() -> Numbers:
    """Return the numbers of this code, by part of the gate: `schema` is that of the newest migration."""
    return {"schema": int(code_version() or 0), **MEANINGS}


@cache
def code_version() -> str | None:
    """Return the version this code was written for: the number of the newest file in `migrations/versions`."""
    numbers = [file.name.split("_", 1)[0] for file in (HERE / "versions").glob("[0-9]*.py")]
    return max(numbers, default=None)


def read_chain(config: Any) -> list[Migration]:
    """Return all migrations this code knows, oldest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(config)
    files = sorted(scripts.walk_revisions(), key=lambda one: one.revision)
    return [Migration(one.revision, one.module.kind == "contract") for one in files]


def write_migration(why: str) -> Path:
    """Write the migration from the newest version to `storage/tables` as a numbered file; review before committing."""
    return _write(why, f"{int(code_version() or 0) + 1:04d}")


def write_tables() -> Path:
    """Write 0001 anew from `storage/tables`: until 1.0 it is edited in place, and databases of before are refused."""
    for former in (HERE / "versions").glob("[0-9]*.py"):
        former.unlink()
    return _write("Tables", FIRST)


def _write(why: str, number: str) -> Path:
    from alembic import command

    with tempfile.TemporaryDirectory() as scratch:
        url = f"sqlite:///{scratch}/scratch.db"
        if number != FIRST:
            upgrade(url)

        def write(connection: Connection) -> Path:
            script = command.revision(_config(connection), why, autogenerate=True, rev_id=number)
            assert script is not None
            assert not isinstance(script, list)
            return Path(script.path)

        written = _run_on(url, write)
    lines = written.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.strip().startswith("# ###")]
    if number == FIRST:
        kept = [line.partition("  # or ")[0] + "\n" if line.startswith("kind =") else line for line in kept]
    written.write_text("".join(kept), "utf-8")
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
        connection.execute(_LOCK, {"key": UPGRADE_LOCK})
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
    """`python -m storage.engine.versions tables`, `… revision "why"`, `… upgrade URL`, `… current URL`; the exit status."""
    match arguments:
        case ["tables"]:
            sys.stdout.write(f"{write_tables()}\n")
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
