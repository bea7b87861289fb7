"""The embedded engine: one writer connection in its own thread with group commit, and separate readers.

Stock SQLite before 3.44.6/3.50.7/3.51.3 has a WAL-reset race with several writers, so one process owns the file.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool, StaticPool

from backend.ports.operations import Damage
from storage.engine.condition import Condition
from storage.engine.database import WAIT_SECONDS, Database, resolve_future
from storage.engine.gate import Gate
from storage.engine.lease_clock import LeaseClock
from storage.engine.versions import get_own_numbers

T = TypeVar("T")
MAX_BATCH = 64  # jobs that share one fsync at most
READER_THREADS = 3
TRY_MS = 250  # how long one try of the writer waits for another process
TRIES_WHILE_LOCKED = 2  # once a job has waited so long in vain, until the lock has gone

#: SQLite's error codes, extended or by their last byte → cause of Unavailable
CAUSES = {
    sqlite3.SQLITE_BUSY: "locked", sqlite3.SQLITE_LOCKED: "locked", sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_CORRUPT: "read_only", sqlite3.SQLITE_NOTADB: "read_only",
    # no room on the disk, or a quota or a limit of the process is reached
    sqlite3.SQLITE_FULL: "disk_full", sqlite3.SQLITE_IOERR_WRITE: "disk_full", sqlite3.SQLITE_IOERR_SHMSIZE: "disk_full",
}  # fmt: skip


@dataclass(slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    tries: int = 0  # at which another process held the file


def explain_error(error: Exception) -> str | None:
    """Return the cause by which an error makes the database unavailable; None for any other."""
    driver = getattr(error, "orig", error)
    code = getattr(driver, "sqlite_errorcode", 0)
    if isinstance(driver, sqlite3.OperationalError) and not code:
        return "unreadable"  # by the driver itself: a text that is no UTF-8
    return CAUSES.get(code) or CAUSES.get(code & 0xFF)


def describe_damage(error: Exception) -> Damage:
    """Describe damage by SQLite's code and words, which hold no value."""
    driver = getattr(error, "orig", error)
    return Damage(str(getattr(driver, "sqlite_errorname", "")), str(driver)[:200])


def _tune(engine: Engine, *, writer: bool) -> None:
    def connected(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA busy_timeout={TRY_MS if writer else int(WAIT_SECONDS * 1000)}")
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
    """SQLite in WAL mode. `write` functions run one after another in the writer thread, many per commit.

    Each waits `wait_seconds` for another process that holds the file, however many wait before it (FD4, XR15).
    """

    dialect = "sqlite"

    def __init__(
        self, url: str, monotonic: Callable[[], float], condition: Condition | None = None, *,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:  # fmt: skip
        self.gate = Gate(get_own_numbers())
        self.lease_clock = LeaseClock(monotonic)
        self.condition = condition or Condition()
        path = make_url(url).database
        if path and path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._engine = create_engine(
            url,
            poolclass=StaticPool,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "cached_statements": 512},
        )
        self._readers = create_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "cached_statements": 256},
        )
        _tune(self._engine, writer=True)
        _tune(self._readers, writer=False)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = self._ended = False
        self._tries = round(wait_seconds * 1000 / TRY_MS)  # of a job, counted from when it was handed in
        self._is_locked = False  # by another process, for so long that a job was refused
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
        self._jobs.put(_Job(work, future, loop))
        return await asyncio.shield(future)

    async def ping(self) -> None:
        """Begin and end a transaction that changes nothing. Raises what SQLite raises."""
        await self._write(lambda _connection: None)

    def explain(self, error: Exception) -> str | None:
        """Return the cause by which this error makes the database unavailable; None for any other."""
        return explain_error(error)

    def describe_damage(self, error: Exception) -> Damage:
        """Describe it by SQLite's code and words, which hold no value."""
        return describe_damage(error)

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
        waiting: list[_Job] = []
        while self._collect(waiting):
            batch = waiting[:MAX_BATCH]
            try:
                connection = connection or self._engine.connect()
                self._commit(connection, batch)
                self._is_locked = False
                del waiting[: len(batch)]
            except Exception as error:
                if explain_error(error) == "locked":
                    self._refuse_impatient(waiting, error)
                else:
                    self._answer(batch, [(None, error)] * len(batch))
                    del waiting[: len(batch)]
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                    connection = None
        if connection is not None:
            connection.close()

    def _collect(self, waiting: list[_Job]) -> bool:
        """Add what was handed in, waiting for it if nothing waits; False when all is done and the file is to be closed."""
        while not (waiting and self._jobs.empty()):
            if self._ended:
                return bool(waiting)
            job = self._jobs.get()
            if job is None:
                self._ended = True
            else:
                waiting.append(job)
        return True

    def _refuse_impatient(self, waiting: list[_Job], error: Exception) -> None:
        """After a try at a file that another process holds: refuse the jobs that have waited long enough."""
        for job in waiting:
            job.tries += 1
        limit = TRIES_WHILE_LOCKED if self._is_locked else self._tries
        refused = [job for job in waiting if job.tries >= limit]
        if refused:
            self._is_locked = True
            waiting[:] = [job for job in waiting if job.tries < limit]
            self._answer(refused, [(None, error)] * len(refused))

    def _commit(self, connection: Connection, batch: list[_Job]) -> None:
        """Run a batch in one transaction, each job in its own savepoint."""
        answers: list[tuple[object, BaseException | None]] = []
        with connection.begin():
            raw = connection.connection.driver_connection
            assert raw is not None
            for job in batch:
                raw.execute("SAVEPOINT job")
                try:
                    answers.append((job.work(connection), None))
                except Exception as error:
                    if not raw.in_transaction or explain_error(error) not in (None, "unreadable"):
                        raise  # SQLite has given up the batch, or nothing more may be written: all share its fate
                    raw.execute("ROLLBACK TO job")
                    answers.append((None, error))
                raw.execute("RELEASE job")
        self._answer(batch, answers)

    @staticmethod
    def _answer(batch: list[_Job], answers: list[tuple[object, BaseException | None]]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[object], object, BaseException | None]]] = {}
        for job, (result, error) in zip(batch, answers, strict=True):
            by_loop.setdefault(job.loop, []).append((job.future, result, error))
        for loop, settled in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle_all, settled)


def _settle_all(settled: "list[tuple[asyncio.Future[object], object, BaseException | None]]") -> None:
    for future, result, error in settled:
        resolve_future(future, result, error)
