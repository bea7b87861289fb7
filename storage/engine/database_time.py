"""The wall clock of a PostgreSQL database as one process knows it: what hosts disagree about, the database decides."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Select, select

from backend.domain.instants import from_micros
from storage.engine.database import Database


def _build_question(db: Database) -> Select[int]:
    return select(db.lease_clock.now)


class DatabaseTime:
    """Sampled, and between two samples moved on by the monotonic clock (XR1, FD22). `adjust` is for tests.

    A sample corrects it only as far as the answer proves it wrong: the question takes a while, and a clock that
    trembles would go back all the time.
    """

    def __init__(
        self, db: Database, monotonic: Callable[[], float], host: Callable[[], datetime],
        adjust: Callable[[datetime], datetime] = lambda at: at,
    ) -> None:  # fmt: skip
        self._db = db
        self._question = _build_question(db)
        self._monotonic = monotonic
        self._host = host
        self._adjust = adjust
        self._base: tuple[datetime, float] | None = None  # time of the database, at a monotonic second
        self.skew = timedelta()  # how far the host is ahead of the database

    async def sample(self) -> None:
        """Ask the database. Raises what the database raises; the clock goes on meanwhile."""
        asked = self._monotonic()
        answer = await self._db.fetch_value(self._question)
        answered, host = self._monotonic(), self._host()
        earliest = self._adjust(from_micros(int(answer or 0)))
        latest = earliest + timedelta(seconds=answered - asked)
        known = self._tell(answered) if self._base is not None else earliest + (latest - earliest) / 2
        self._base = min(max(known, earliest), latest), answered
        self.skew = host - self._base[0]

    def now(self) -> datetime:
        """Return the time of the database, UTC; before the first sample the host's."""
        return self._host() if self._base is None else self._tell(self._monotonic())

    def _tell(self, second: float) -> datetime:
        assert self._base is not None
        at, base = self._base
        return at + timedelta(seconds=second - base)
