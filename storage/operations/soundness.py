"""Checks of an SQLite file's pages, on connections of their own, so that no cached page hides a damaged one (XR4)."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

MAX_FOUND = 100
STEPS = 20_000  # of SQLite's machine between two looks at the time
SOUND = "ok"


class SqliteSoundness:
    """`Soundness` of an SQLite file by its own pragmas: `quick_check` of pages, `integrity_check` with indexes."""

    def __init__(self, url: str, monotonic: Callable[[], float]) -> None:
        self._path = Path(make_url(url).database or "")
        self._monotonic = monotonic
        self._left: list[str] = []  # tables of this turn that are still to be checked

    async def check_some(self, seconds: float, *, deep: bool = False, strict: bool = False) -> Sequence[str]:
        return await asyncio.to_thread(self._check_some, seconds, deep, strict)

    async def check_all(self) -> Sequence[str]:
        return await asyncio.to_thread(self._run, lambda c: _check(c, f"integrity_check({MAX_FOUND})"))

    def _check_some(self, seconds: float, deep: bool, strict: bool) -> list[str]:
        until = self._monotonic() + seconds
        pragma = "integrity_check" if deep else "quick_check"

        def work(connection: sqlite3.Connection) -> list[str]:
            tables = _list_tables(connection)
            self._left = [name for name in self._left if name in tables] or tables
            if strict:
                connection.set_progress_handler(lambda: int(self._monotonic() > until), STEPS)
            found: list[str] = []
            while self._left and not found:
                found = _check(connection, f'{pragma}("{self._left[0]}")')
                del self._left[0]
                if self._monotonic() > until:
                    break
            return found

        return self._run(work)

    def _run(self, work: Callable[[sqlite3.Connection], list[str]]) -> list[str]:
        """Run a check; what SQLite says of a file it cannot read is what was found. Raises its other errors."""
        try:
            with self._connect() as connection:
                return work(connection)
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_INTERRUPT:
                return []
            if code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            return [str(error)]

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """Open the file for reading only: closing it leaves the `-wal` as it is, also beside a stopped server."""
        connection = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("PRAGMA busy_timeout=5000")
            yield connection
        finally:
            connection.close()


def _list_tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return ["sqlite_schema", *(name for (name,) in rows)]


def _check(connection: sqlite3.Connection, pragma: str) -> list[str]:
    """Return what a pragma found; each row holds one or more lines."""
    rows = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}")]
    return [] if rows == [SOUND] else [line for row in rows for line in row.splitlines()][:MAX_FOUND]
