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

from backend.ports.operations import Damage
from storage.engine.condition import Condition
from storage.engine.database import WAIT_SECONDS, Database
from storage.engine.gate import Gate
from storage.engine.lease_clock import LeaseClock
from storage.engine.versions import get_own_numbers

T = TypeVar("T")
MAX_ATTEMPTS = 3  # FD10: serialization failures and deadlocks
COLLISIONS = ("40001", "40P01")
#: SQLSTATEs, or how they begin → cause of Unavailable
CAUSES = {
    "XX001": "read_only", "XX002": "read_only", "53100": "disk_full", "53300": "pool", "55P03": "locked",
    "08": "away", "57P01": "away", "57P02": "away", "57P03": "away",
}  # fmt: skip
PING_SECONDS = 2  # for the answer to a ping
MOVE_CONNECTIONS = 12  # connections of the hot path, kept apart so that slow reports cannot exhaust them (FD9)


class PostgresDatabase(Database):
    """PostgreSQL. `write` is one transaction; `read` takes no locks. Connections and locks are waited for `wait_seconds`."""

    dialect = "postgresql"

    def __init__(
        self, url: str, condition: Condition | None = None, *, pool_size: int = 12, overflow: int = 8,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:  # fmt: skip
        async_url = make_url(url).set(drivername="postgresql+asyncpg")
        self.url = url
        self._plain_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.gate = Gate(get_own_numbers())
        self.lease_clock = LeaseClock()
        self.condition = condition or Condition()
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
        with self.guard(writing=True):
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
        """Acquire an autocommit connection for changes, each statement in a transaction of its own."""
        with self.guard(writing=True):
            async with self._direct.connect() as connection:
                yield connection

    @asynccontextmanager
    async def acquire_raw(self, *, writing: bool) -> AsyncIterator[Any]:
        """Acquire an asyncpg connection of the hot path: no SQLAlchemy; each statement is its own transaction."""
        with self.guard(writing=writing):
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
        return explain_error(error)

    def describe_damage(self, error: Exception) -> Damage:
        """Describe it by the server's code and words, which name a block of a file and no value."""
        return describe_damage(error)

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


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Any]:
    """Open a connection of its own while inside, for what may take its time and is not refused by any guard."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    raw = await asyncpg.connect(plain, timeout=5, server_settings={"application_name": "jiesu", "timezone": "UTC"})
    try:
        yield raw
    finally:
        raw.terminate()


def explain_error(error: Exception) -> str | None:
    """Return the cause by which an error makes the database unavailable; None for any other."""
    if isinstance(error, PoolTimeout):
        return "pool"
    if getattr(error, "connection_invalidated", False):
        return "away"
    for one in _unwrap(error):
        state = str(getattr(one, "sqlstate", None) or "")
        if cause := CAUSES.get(state) or CAUSES.get(state[:2]):
            return cause
        is_closed = isinstance(one, asyncpg.InterfaceError) and "closed" in str(one)
        if is_closed or isinstance(one, OSError):
            return "away"
    return None


def describe_damage(error: Exception) -> Damage:
    """Describe damage by the server's code and words, which name a block of a file and no value."""
    states = [str(state) for one in _unwrap(error) if (state := getattr(one, "sqlstate", None))]
    return Damage(states[0], str(getattr(error, "orig", error)).partition("\n")[0][:200])


def _unwrap(error: Exception) -> tuple[object, ...]:
    """Return an error, the driver's that it wraps, and the server's behind that."""
    driver = getattr(error, "orig", None)
    return error, driver, getattr(driver, "__cause__", None)


async def _nothing_to_reset(connection: Any) -> None:
    """Do nothing: no settings, listeners or locks to reset here; the default reset costs a round trip a move."""
