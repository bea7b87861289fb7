"""The one way to either engine: `read` and `write` run a plain function on a connection; nothing else opens one."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

T = TypeVar("T")


class Database(Protocol):
    """What the stores need from an engine. A function passed to `write` is one transaction; callers do not retry it."""

    dialect: str  # "sqlite" | "postgresql"

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function on a read-only connection."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one transaction, all or nothing; it may run again after a conflict."""
        ...

    async def close(self) -> None:
        """Finish accepted work, then close the engine."""
        ...


def open_database(url: str) -> Database:
    """Open the database at `sqlite:///path` or `postgresql://…`. Raises ValueError for any other URL."""
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        from storage.engine.sqlite import SqliteDatabase

        return SqliteDatabase(url)
    if kind == "postgresql":
        from storage.engine.postgres import PostgresDatabase

        return PostgresDatabase(url)
    raise ValueError(f"unknown database: {kind}")


def resolve_future(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    """Resolve a future unless its waiter has gone."""
    with contextlib.suppress(asyncio.InvalidStateError):
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
