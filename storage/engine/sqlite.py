"""The embedded engine: one writer connection in its own thread with group commit, and separate readers.

Stock SQLite before 3.44.6/3.50.7/3.51.3 has a WAL-reset race with several writers, so one process owns the file.
"""

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool, StaticPool

from backend.ports.damage import Damage
from storage.engine.condition import Condition
from storage.engine.database import Database, resolve_future
from storage.engine.lease_clock import LeaseClock

T = TypeVar("T")
MAX_BATCH = 64  # jobs that share one fsync at most
READER_THREADS = 3
BUSY_MS = 5_000  # how long another process may hold the file before we report it (FD4)

#: SQLite's error codes, extended or their last byte → cause of Unavailable. The disk is full, or a limit is reached.
TROUBLES = {
    sqlite3.SQLITE_CORRUPT: "read_only", sqlite3.SQLITE_NOTADB: "read_only", sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR_WRITE: "disk_full", sqlite3.SQLITE_IOERR_SHMSIZE: "disk_full",
}  # fmt: skip

Job = tuple[Callable[[Connection], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


def explain_error(error: Exception) -> str | None:
    """Return the cause by which an error makes the database unavailable; None for any other."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)
    return TROUBLES.get(code) or TROUBLES.get(code & 0xFF)


def _tune(engine: Engine, *, writer: bool) -> None:
    def connected(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-65536" if writer else "PRAGMA cache_size=-16384")
        cursor.execute("PRAGMA temp_store=MEMORY")
        if not writer:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


class SqliteDatabase(Database):
    """SQLite in WAL mode. `write` functions run one after another in the writer thread, many per commit."""

    dialect = "sqlite"

    def __init__(self, url: str, monotonic: Callable[[], float], condition: Condition | None = None) -> None:
        self.lease_clock = LeaseClock(monotonic)
        self.condition = condition or Condition()
        path = make_url(url).database
        if path and path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._pid = os.getpid()
        self._engine = create_engine(
            url, poolclass=StaticPool, connect_args={"check_same_thread": False, "cached_statements": 512}
        )
        self._readers = create_engine(
            url, poolclass=NullPool, connect_args={"check_same_thread": False, "cached_statements": 256}
        )
        _tune(self._engine, writer=True)
        _tune(self._readers, writer=False)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._write_forever, name="sqlite-writer", daemon=True)
        self._thread.start()
        self._pool = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._opened: list[Connection] = []

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function in a reader thread, on its own snapshot."""
        with self.guard():
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._readers.connect()
            self._opened.append(connection)
        with connection.begin():
            return work(connection)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in the writer thread; its changes are on disk when this returns."""
        with self.guard(writing=True):
            return await self._write(work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        if self._closed:
            raise RuntimeError("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((work, future, loop))
        return await asyncio.shield(future)

    def explain(self, error: Exception) -> str | None:
        """Return the cause by which this error makes the database unavailable; None for any other."""
        return explain_error(error)

    def describe_damage(self, error: Exception) -> Damage:
        """Describe it by SQLite's code and words, which hold no value."""
        driver = getattr(error, "orig", error)
        return Damage(str(getattr(driver, "sqlite_errorname", "")), str(driver)[:200])

    async def close(self) -> None:
        """Commit accepted work and close the file."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._pool.shutdown(wait=True)
        for connection in self._opened:
            connection.close()
        self._readers.dispose()
        self._engine.dispose()

    # -- the writer thread

    def _write_forever(self) -> None:
        connection: Connection | None = None
        while True:
            first = self._jobs.get()
            if first is None:
                break
            batch = [first]
            last = False
            while len(batch) < MAX_BATCH:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    last = True
                    break
                batch.append(job)
            try:
                connection = connection or self._engine.connect()
                self._commit(connection, batch)
            except Exception as error:
                self._answer(batch, [(None, error)] * len(batch))
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                    connection = None
            if last:
                break
        if connection is not None:
            connection.close()

    def _commit(self, connection: Connection, batch: list[Job]) -> None:
        """Run a batch in one transaction, each job in its own savepoint."""
        answers: list[tuple[object, BaseException | None]] = []
        with connection.begin():
            raw = connection.connection.driver_connection
            assert raw is not None
            for work, _future, _loop in batch:
                raw.execute("SAVEPOINT job")
                try:
                    answers.append((work(connection), None))
                except Exception as error:
                    if not raw.in_transaction or explain_error(error):
                        raise  # SQLite has given up the batch, or nothing more may be written: all share its fate
                    raw.execute("ROLLBACK TO job")
                    answers.append((None, error))
                raw.execute("RELEASE job")
        self._answer(batch, answers)

    @staticmethod
    def _answer(batch: list[Job], answers: list[tuple[object, BaseException | None]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[object], object, BaseException | None]]] = {}
        for (_work, future, loop), (result, error) in zip(batch, answers, strict=True):
            by_loop.setdefault(loop, []).append((future, result, error))
        for loop, settled in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle_all, settled)


def _settle_all(settled: "list[tuple[asyncio.Future[object], object, BaseException | None]]") -> None:
    for future, result, error in settled:
        resolve_future(future, result, error)
