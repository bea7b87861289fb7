"""The clock of leases and shared rate limits: PostgreSQL's own, read inside the statement, or the one given (XR1)."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import BigInteger, ColumnElement, bindparam, literal_column, true

from backend.domain.instants import to_span

_POSTGRES_NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
_POSTGRES_STARTED = "CAST(extract(epoch FROM pg_postmaster_start_time()) * 1000000 AS bigint)"
_GIVEN_NOW = "CAST(:lease_now AS bigint)"


class LeaseClock:
    """Microseconds since any instant, the same for all who share the database; no wall clock of a host is asked.

    Statements name `now`; whoever runs them hands in `parameters()`, read as late as possible. Without `seconds` the
    database answers; with it, as for the one process that owns an SQLite file, the given monotonic clock does.
    """

    def __init__(self, seconds: Callable[[], float] | None = None) -> None:
        self._seconds = seconds
        self.sql = _POSTGRES_NOW if seconds is None else _GIVEN_NOW
        #: evaluated for each row, after a wait for its lock
        self.at_row: ColumnElement[int] = (
            literal_column(_POSTGRES_NOW, BigInteger) if seconds is None else bindparam("lease_now", type_=BigInteger)
        )
        #: evaluated once a statement, so that an index can be used
        self.now: ColumnElement[int] = self.at_row
        if seconds is None:
            self.sql = f"(SELECT {_POSTGRES_NOW})"
            self.now = literal_column(self.sql, BigInteger)

    def after(self, span: timedelta) -> ColumnElement[int]:
        """When a lease of this length, taken now, ends."""
        return self.now + to_span(span)

    def has_served(self, span: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether the database has served for so long: before, nobody who lives could renew what they hold (G5).

        Where a given clock answers, the one process that could hold something is the one that asks.
        """
        if self._seconds is not None:
            return true()
        return literal_column(_POSTGRES_STARTED, BigInteger) <= self.now - span

    def parameters(self) -> dict[str, int]:
        """What statements that name this clock must be given."""
        return {} if self._seconds is None else {"lease_now": int(self._seconds() * 1_000_000)}
