"""One door to either engine: `read` and `write` run a plain function of a connection; nothing else opens one."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

T = TypeVar("T")


class Database(Protocol):
    """What the shelves need of an engine. A function given to `write` is one transaction, retried by nobody else."""

    dialect: str  # "sqlite" | "postgresql"

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a reading function on a connection that cannot write."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one transaction: all of it is kept, or nothing (it may be run again after a conflict)."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then let go of the engine."""
        ...


def open_database(url: str) -> Database:
    """The database of a URL `sqlite:///path` or `postgresql://…`. Raises ValueError for any other."""
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        from storage.sqlite import SqliteDatabase

        return SqliteDatabase(url)
    if kind == "postgresql":
        from storage.postgres import PostgresDatabase

        return PostgresDatabase(url)
    raise ValueError(f"unknown database: {kind}")


def settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    """Answer a waiting future unless whoever waited has gone."""
    with contextlib.suppress(asyncio.InvalidStateError):
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
