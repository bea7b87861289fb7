"""The scale-out engine: asyncpg under SQLAlchemy's pool; colliding transactions are retried a few times."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from backend.ports.damage import Damage
from storage.engine.condition import Condition
from storage.engine.database import Database
from storage.engine.lease_clock import LeaseClock

T = TypeVar("T")
MAX_ATTEMPTS = 3  # FD10: serialization failures and deadlocks
COLLISIONS = ("40001", "40P01")
TROUBLES = {"XX001": "read_only", "XX002": "read_only", "53100": "disk_full"}  # SQLSTATE → cause of Unavailable
MOVE_CONNECTIONS = 12  # connections of the hot path, kept apart so that slow reports cannot exhaust them (FD9)


class PostgresDatabase(Database):
    """PostgreSQL. `write` is one transaction; `read` takes no locks."""

    dialect = "postgresql"

    def __init__(self, url: str, condition: Condition | None = None, *, pool_size: int = 12) -> None:
        async_url = make_url(url).set(drivername="postgresql+asyncpg")
        self.url = url
        self.lease_clock = LeaseClock()
        self.condition = condition or Condition()
        self._engine = create_async_engine(
            async_url, pool_size=pool_size, max_overflow=8, pool_timeout=5, pool_use_lifo=True,
            connect_args={"timeout": 5, "command_timeout": 60,
                          "server_settings": {"application_name": "jiesu", "timezone": "UTC"}},
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
            if self._move_pool is None:
                await self._open_move_pool()
            async with self._move_pool.acquire(timeout=5) as connection:
                yield connection

    def explain(self, error: Exception) -> str | None:
        """Return the cause by which this error makes the database unavailable; None for any other."""
        return TROUBLES.get(_find_state(error))

    def describe_damage(self, error: Exception) -> Damage:
        """Describe it by the server's code and words, which name a block of a file and no value."""
        return Damage(_find_state(error), str(getattr(error, "orig", error)).splitlines()[0][:200])

    async def _open_move_pool(self) -> None:
        async with self._opening:
            if self._move_pool is None:
                self._move_pool = await asyncpg.create_pool(
                    make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False),
                    min_size=0, max_size=MOVE_CONNECTIONS, timeout=5, command_timeout=60, reset=_nothing_to_reset,
                    server_settings={"application_name": "jiesu", "timezone": "UTC"},
                )  # fmt: skip

    async def close(self) -> None:
        """Close the pools."""
        if self._move_pool is not None:
            await self._move_pool.close()
        await self._engine.dispose()


def _find_state(error: Exception) -> str:
    """Return the SQLSTATE of an error of the driver, or of one that wraps it; empty without any."""
    driver = getattr(error, "orig", None)
    states = (getattr(one, "sqlstate", None) for one in (error, driver, getattr(driver, "__cause__", None)))
    return next((str(state) for state in states if state), "")


async def _nothing_to_reset(connection: Any) -> None:
    """Do nothing: no settings, listeners or locks to reset here; the default reset costs a round trip a move."""
