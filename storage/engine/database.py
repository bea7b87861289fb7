"""The one way to either engine: `read` and `write` run a plain function on a connection; nothing else opens one."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Executable, Row
from sqlalchemy.sql.selectable import TypedReturnsRows

from backend.ports.availability import Unavailable
from backend.ports.operations import Damage
from storage.engine.condition import Condition
from storage.engine.gate import Gate
from storage.engine.lease_clock import LeaseClock

WAIT_SECONDS = 5.0  # for a connection, and for a lock another holds: a door answers within 8 s (FD4, XR13, XR15)
T = TypeVar("T")
#: What decoding raises when something stored is not what it was written as.
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError)
AnyRow = Row[*tuple[Any, ...]]


def _tell_nobody(_trouble: Unavailable) -> None: ...


class Database(Protocol):
    """What the stores need from an engine. A function passed to `write` is one transaction; callers do not retry it.

    All that runs on it raises Unavailable when the database cannot serve us now.
    """

    dialect: str  # "sqlite" | "postgresql"
    lease_clock: LeaseClock
    gate: Gate  # for the code that opened it
    condition: Condition
    on_unavailable: Callable[[Unavailable], None] = staticmethod(_tell_nobody)  # told of each such failure
    is_away: bool = False  # set by whoever watches it: all but `ping` fails at once, nothing waits for a time-out (FD8)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function on a read-only connection."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one transaction, all or nothing; it may run again after a conflict."""
        ...

    async def close(self) -> None:
        """Finish accepted work, then close the engine."""
        ...

    async def ping(self) -> None:
        """Ask for as little as possible by the ways all work takes. Raises what the engine raises."""
        ...

    def explain(self, error: Exception) -> str | None:
        """Return the cause by which this error makes the database unavailable (`Unavailable`); None for any other."""
        ...

    def describe_damage(self, error: Exception) -> Damage:
        """Describe an error that `explain` calls `read_only`."""
        ...

    @contextlib.contextmanager
    def guard(self, *, writing: bool = False) -> Iterator[None]:
        """Around all use of the engine: the one place that refuses to write to what is damaged (XR4).

        It turns the engine's errors of availability into Unavailable, and tells of them: damage and a full disk to the
        condition, all others to whoever listens.
        """
        if self.is_away:
            raise Unavailable("away")
        if writing and self.condition.damage is not None:
            raise Unavailable("read_only")
        try:
            yield
        except Exception as error:
            cause = self.explain(error) or ("unreadable" if not writing and isinstance(error, UNREADABLE) else None)
            if isinstance(error, Unavailable) or cause is None:
                raise
            trouble = Unavailable(cause)
            trouble.__cause__ = error
            if cause == "read_only":
                self.condition.report(self.describe_damage(error))
            elif cause == "disk_full":
                self.condition.is_full = True
            elif cause == "unreadable":
                self.condition.is_suspect = True
            else:
                self.on_unavailable(trouble)
            raise trouble from error
        if writing:
            self.condition.is_full = False

    async def execute(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> int:
        """Run one change in a transaction of its own; return how many rows it changed."""
        return await self.write(lambda c: c.execute(statement, parameters).rowcount)

    async def fetch_all(
        self, query: Executable, convert: Callable[[AnyRow], T], parameters: Mapping[str, object] | None = None
    ) -> list[T]:
        """Return what `convert` makes of each row."""
        return await self.read(lambda c: [convert(row) for row in c.execute(query, parameters)])

    async def fetch_one(
        self, query: Executable, convert: Callable[[AnyRow], T], parameters: Mapping[str, object] | None = None
    ) -> T | None:
        """Return what `convert` makes of the first row; None if there is none."""
        row = await self.fetch_first(query, parameters)
        return None if row is None else convert(row)

    async def fetch_rows(self, query: Executable, parameters: Mapping[str, object] | None = None) -> Sequence[AnyRow]:
        """Return all rows."""
        return await self.read(lambda c: c.execute(query, parameters).all())

    async def fetch_first(self, query: Executable, parameters: Mapping[str, object] | None = None) -> AnyRow | None:
        """Return the first row; None if there is none."""
        return await self.read(lambda c: c.execute(query, parameters).first())

    async def fetch_column(self, query: TypedReturnsRows[T], parameters: Mapping[str, object] | None = None) -> list[T]:
        """Return the first column of all rows."""
        return await self.read(lambda c: list(c.execute(query, parameters).scalars()))

    async def fetch_value(self, query: TypedReturnsRows[T], parameters: Mapping[str, object] | None = None) -> T | None:
        """Return the first column of the first row; None if there is none."""
        return await self.read(lambda c: c.execute(query, parameters).scalar())

    async def fetch_count(self, query: Executable, parameters: Mapping[str, object] | None = None) -> int:
        """Return the one number of a query that counts."""
        return await self.read(lambda c: int(c.execute(query, parameters).scalar_one()))


def resolve_future(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    """Resolve a future unless its waiter has gone."""
    with contextlib.suppress(asyncio.InvalidStateError):
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
