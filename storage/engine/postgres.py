"""The scale-out engine: asyncpg under SQLAlchemy's pool; colliding transactions are retried a few times."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from storage.engine.database import WAIT_SECONDS, Database
from storage.engine.gate import Gate
from storage.engine.lease_clock import LeaseClock
from storage.engine.versions import get_own_numbers

T = TypeVar("T")
MAX_ATTEMPTS = 3  # FD10: serialization failures and deadlocks
COLLISIONS = ("40001", "40P01")
AWAY = ("08", "57P01", "57P02", "57P03")  # SQLSTATEs: the connection is lost, the server stops or starts
NO_ROOM, LOCKED = "53300", "55P03"
PING_SECONDS = 2  # for the answer to a ping
MOVE_CONNECTIONS = 12  # connections of the hot path, kept apart so that slow reports cannot exhaust them (FD9)


class PostgresDatabase(Database):
    """PostgreSQL. `write` is one transaction; `read` takes no locks. Connections and locks are waited for `wait_seconds`."""

    dialect = "postgresql"

    def __init__(self, url: str, *, pool_size: int = 12, overflow: int = 8, wait_seconds: float = WAIT_SECONDS) -> None:
        async_url = make_url(url).set(drivername="postgresql+asyncpg")
        self.url = url
        self._plain_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.gate = Gate(get_own_numbers())
        self.lease_clock = LeaseClock()
        self._wait_seconds = wait_seconds
        self._settings = {
            "application_name": "jiesu", "timezone": "UTC", "lock_timeout": f"{int(wait_seconds * 1000)}ms",
        }  # fmt: skip
        self._engine = create_async_engine(
            async_url, pool_size=pool_size, max_overflow=overflow, pool_timeout=wait_seconds, pool_use_lifo=True,
            hide_parameters=True, connect_args={"timeout": 5, "command_timeout": 60, "server_settings": self._settings},
        )  # fmt: skip
        self._direct = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._move_pool: Any = None
        self._opening = asyncio.Lock()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a reading function in autocommit: each statement sees its own snapshot."""
        with self.guard():
            async with self._direct.connect() as connection:
                return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one transaction; after a collision run it again, at most twice."""
        with self.guard():
            return await self._write(work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(work)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in COLLISIONS or attempt == MAX_ATTEMPTS:
                    raise
                await asyncio.sleep(0.01 * attempt)
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def connect_autocommit(self) -> AsyncIterator[Any]:
        """Acquire an autocommit connection for single statements that are their own transactions."""
        with self.guard():
            async with self._direct.connect() as connection:
                yield connection

    @asynccontextmanager
    async def acquire_raw(self) -> AsyncIterator[Any]:
        """Acquire an asyncpg connection of the hot path: no SQLAlchemy; each statement is its own transaction."""
        with self.guard():
            async with self._acquire_raw() as connection:
                yield connection

    @asynccontextmanager
    async def _acquire_raw(self) -> AsyncIterator[Any]:
        if self._move_pool is None:
            await self._open_move_pool()
        try:
            connection = await self._move_pool.acquire(timeout=self._wait_seconds)
        except TimeoutError:
            raise PoolTimeout("no connection of the hot path is free") from None
        try:
            yield connection
        finally:
            await self._move_pool.release(connection)

    async def ping(self) -> None:
        """Ask the server, then the pools, which may be full though it answers. Raises what they raise."""
        own = await asyncpg.connect(self._plain_url, timeout=PING_SECONDS, command_timeout=PING_SECONDS)
        try:
            await own.fetch("SELECT 1")
        finally:
            own.terminate()
        async with self._direct.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")
        async with self._acquire_raw() as connection:
            await connection.fetch("SELECT 1")

    def explain(self, error: Exception) -> str | None:
        """Return the cause by which this error makes the database unavailable; None for any other."""
        if isinstance(error, PoolTimeout):
            return "pool"
        if getattr(error, "connection_invalidated", False):
            return "away"
        driver = getattr(error, "orig", None)
        for one in (error, driver, getattr(driver, "__cause__", None)):
            state = str(getattr(one, "sqlstate", None) or "")
            if state in (LOCKED, NO_ROOM):
                return "locked" if state == LOCKED else "pool"
            is_closed = isinstance(one, asyncpg.InterfaceError) and "closed" in str(one)
            if state.startswith(AWAY) or is_closed or isinstance(one, OSError):
                return "away"
        return None

    async def _open_move_pool(self) -> None:
        async with self._opening:
            if self._move_pool is None:
                self._move_pool = await asyncpg.create_pool(
                    self._plain_url, min_size=0, max_size=MOVE_CONNECTIONS, timeout=5, command_timeout=60, reset=_nothing_to_reset,
                    server_settings=self._settings,
                )  # fmt: skip

    async def close(self) -> None:
        """Close the pools."""
        if self._move_pool is not None:
            await self._move_pool.close()
        await self._engine.dispose()


async def _nothing_to_reset(connection: Any) -> None:
    """Do nothing: no settings, listeners or locks to reset here; the default reset costs a round trip a move."""
