"""The scale-out engine: asyncpg under SQLAlchemy's pool; transactions retried a little when they collide."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

T = TypeVar("T")
TRIES = 3  # FD10: serialization failures and deadlocks
COLLISIONS = ("40001", "40P01")


class PostgresDatabase:
    """PostgreSQL. `write` is one transaction; `read` is a snapshot without locks."""

    dialect = "postgresql"

    def __init__(self, url: str, *, pool_size: int = 12) -> None:
        async_url = make_url(url).set(drivername="postgresql+asyncpg")
        self.url = url
        self._engine = create_async_engine(
            async_url, pool_size=pool_size, max_overflow=8, pool_timeout=5, pool_use_lifo=True,
            connect_args={"timeout": 5, "command_timeout": 60,
                          "server_settings": {"application_name": "jiesu", "timezone": "UTC"}},
        )  # fmt: skip
        self._direct = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a reading function; one snapshot only for what a single statement sees."""
        async with self._direct.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one transaction; after a collision it is run again, at most twice."""
        for attempt in range(1, TRIES + 1):
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(work)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in COLLISIONS or attempt == TRIES:
                    raise
                await asyncio.sleep(0.01 * attempt)
        raise AssertionError("unreachable")

    def direct(self) -> Any:
        """An autocommit connection for single statements that are transactions by themselves (the hot path)."""
        return self._direct.connect()

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()
