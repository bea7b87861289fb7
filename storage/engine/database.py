"""The one way to either engine: `read` and `write` run a plain function on a connection; nothing else opens one."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Executable, Row
from sqlalchemy.sql.selectable import TypedReturnsRows

from storage.engine.gate import Gate
from storage.engine.lease_clock import LeaseClock

T = TypeVar("T")
AnyRow = Row[*tuple[Any, ...]]


class Database(Protocol):
    """What the stores need from an engine. A function passed to `write` is one transaction; callers do not retry it."""

    dialect: str  # "sqlite" | "postgresql"
    lease_clock: LeaseClock
    gate: Gate  # of the code that opened it

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function on a read-only connection."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one transaction, all or nothing; it may run again after a conflict."""
        ...

    async def close(self) -> None:
        """Finish accepted work, then close the engine."""
        ...

    async def execute(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> int:
        """Run one change in a transaction of its own; return how many rows it changed."""
        return await self.write(lambda c: c.execute(statement, parameters).rowcount)

    async def fetch_all(self, query: Executable, convert: Callable[[AnyRow], T]) -> list[T]:
        """Return what `convert` makes of each row."""
        return await self.read(lambda c: [convert(row) for row in c.execute(query)])

    async def fetch_one(self, query: Executable, convert: Callable[[AnyRow], T]) -> T | None:
        """Return what `convert` makes of the first row; None if there is none."""
        row = await self.fetch_first(query)
        return None if row is None else convert(row)

    async def fetch_rows(self, query: Executable, parameters: Mapping[str, object] | None = None) -> Sequence[AnyRow]:
        """Return all rows."""
        return await self.read(lambda c: c.execute(query, parameters).all())

    async def fetch_first(self, query: Executable) -> AnyRow | None:
        """Return the first row; None if there is none."""
        return await self.read(lambda c: c.execute(query).first())

    async def fetch_column(self, query: TypedReturnsRows[T]) -> list[T]:
        """Return the first column of all rows."""
        return await self.read(lambda c: list(c.execute(query).scalars()))

    async def fetch_value(self, query: TypedReturnsRows[T]) -> T | None:
        """Return the first column of the first row; None if there is none."""
        return await self.read(lambda c: c.execute(query).scalar())

    async def fetch_count(self, query: Executable) -> int:
        """Return the one number of a query that counts."""
        return await self.read(lambda c: int(c.execute(query).scalar_one()))


def resolve_future(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    """Resolve a future unless its waiter has gone."""
    with contextlib.suppress(asyncio.InvalidStateError):
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
