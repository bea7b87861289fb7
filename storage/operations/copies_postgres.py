"""Copies of a PostgreSQL database: taken by pg_dump from one snapshot, put back by psql in one transaction (XR3)."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from backend.domain.refusals import Refused
from backend.ports.backups import Contents, Hold
from storage import tables as t
from storage.operations.contents import build_hold_statements, read_contents, read_sealed_samples

T = TypeVar("T")
INSTALLED = "/usr/lib/postgresql"  # where Debian and Ubuntu keep the programs of each version
#: What libpq reads besides host, port, user, password and database: options of the URL by their variable.
_OPTIONS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
_EXPORT_SNAPSHOT = text("SELECT pg_export_snapshot()")
_COUNT_USERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jiesu'"
)


class PostgresCopies:
    """`DatabaseCopies` of the database at a URL `postgresql://…`."""

    engine = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url

    def read_contents(self, url: str = "") -> Contents:
        return _run(url or self._url, read_contents)

    def dump(self, to: Path) -> Contents:
        program = _find_program("pg_dump")

        def work(c: Connection) -> Contents:
            snapshot = c.execute(_EXPORT_SNAPSHOT).scalar_one()
            names = [f"--table=public.{name}" for name in _list_own_tables(c)]
            _call([program, "-Fc", f"--snapshot={snapshot}", "--no-owner", "--no-privileges", *names, f"--file={to}"],
                  self._url)  # fmt: skip
            return read_contents(c)

        return _run(self._url, work)

    @contextlib.contextmanager
    def open_scratch(self, copy: Path) -> Iterator[str]:
        name = f"jiesu_scratch_{hashlib.sha256(str(copy).encode()).hexdigest()[:12]}"  # a path of chance
        try:
            _run_alone(self._url, f"CREATE DATABASE {name} TEMPLATE template0")
        except DBAPIError as error:
            raise Refused("scratch_refused", why=type(error.orig).__name__) from error
        try:
            url = make_url(self._url).set(database=name).render_as_string(hide_password=False)
            _load(url, copy, "", "")
            yield url
        finally:
            _run_alone(self._url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def is_used(self) -> bool:
        return bool(_run(self._url, lambda c: c.execute(_COUNT_USERS).scalar_one()))

    def is_empty(self) -> bool:
        return not _run(self._url, _list_own_tables)

    def replace(self, copy: Path, incarnation: str, hold: Hold) -> None:
        own = _run(self._url, _list_own_tables)
        drop = "".join(f"DROP TABLE public.{name} CASCADE;\n" for name in own)
        dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
        held = [
            str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined]
            for statement in build_hold_statements(incarnation, hold)
        ]
        _load(self._url, copy, drop, "".join(f"{statement};\n" for statement in held))

    def list_sealed_samples(self, url: str) -> Sequence[tuple[str, str | int, str, bytes]]:
        return _run(url, read_sealed_samples)


def _list_own_tables(c: Connection) -> list[str]:
    """List our tables among all, those that a later version dropped or an earlier one lacked included."""
    ours = {*t.metadata.tables, "alembic_version"}
    return sorted(ours & set(c.dialect.get_table_names(c, schema="public")))


def _load(url: str, copy: Path, before: str, after: str) -> None:
    """Run a copy as one transaction with statements before and after it. Refused `copy_unreadable`."""
    restore, psql = _find_program("pg_restore"), _find_program("psql")
    with tempfile.TemporaryFile(dir=copy.parent) as script:
        script.write(before.encode())
        script.flush()
        _call([restore, "--no-owner", "--no-privileges", "--file=-", str(copy)], url, stdout=script)
        script.seek(0, os.SEEK_END)
        script.write(f"\nSET search_path = public;\n{after}".encode())
        script.flush()
        script.seek(0)
        _call([psql, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1"], url, stdin=script)


def _call(command: Sequence[str], url: str, *, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None) -> None:
    done = subprocess.run(
        command, env=_name_server(url), stdin=stdin or subprocess.DEVNULL, stdout=stdout or subprocess.DEVNULL,
        stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines()[:1]
        raise Refused("copy_unreadable", why=f"{Path(command[0]).name}: {why[0] if why else done.returncode}")


def _name_server(url: str) -> Mapping[str, str]:
    """Return the environment that leads PostgreSQL's programs to a database: a password stands in no command line."""
    parts = make_url(url)
    named = {
        "PGHOST": parts.host, "PGPORT": parts.port, "PGUSER": parts.username, "PGPASSWORD": parts.password,
        "PGDATABASE": parts.database, **{_OPTIONS[k]: v for k, v in parts.query.items() if k in _OPTIONS},
    }  # fmt: skip
    return {**os.environ, **{name: str(value) for name, value in named.items() if value}, "PGAPPNAME": "jiesu-backup"}


def _find_program(name: str) -> str:
    """Return the newest one installed: a dump needs programs at least as new as the server. Refused `program_missing`."""
    found = sorted(Path(INSTALLED).glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise Refused("program_missing", program=name)
    return program


def _run(url: str, work: Callable[[Connection], T]) -> T:
    """Run a function in one transaction, which sees one snapshot, on a connection of its own."""

    async def run() -> T:
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool, isolation_level="REPEATABLE READ",
            connect_args={"timeout": 10, "server_settings": {"application_name": "jiesu-backup", "timezone": "UTC"}},
        )  # fmt: skip
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(run())).result()


def _run_alone(url: str, statement: str) -> None:
    """Run a statement that no transaction may hold."""

    async def run() -> None:
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        try:
            async with engine.connect() as connection:
                await connection.exec_driver_sql(statement)
        finally:
            await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result()
