"""The office's clock: office time, which the rules go by and a rehearsal moves, and real time, which nothing moves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Clock:
    """All the time a service needs. The composition root decides what is behind it."""

    office_time: Callable[[], datetime]  # aware, in any zone; on PostgreSQL the database's, on SQLite the host's
    zone: ZoneInfo
    real_time: Callable[
        [], float
    ]  # seconds since 1970 UTC: for signatures and what arrived; leases have the database's clock
    monotonic: Callable[[], float]  # seconds since any instant, never set back: for how long something takes
    ahead: Callable[[], timedelta] = timedelta  # how far a rehearsal is ahead of real time; no rehearsal: not at all

    def now(self) -> datetime:
        """Return the current time, aware, in the office's time zone."""
        return self.office_time().astimezone(self.zone)

    def real_now(self) -> datetime:
        """Return the real time, UTC."""
        return datetime.fromtimestamp(self.real_time(), UTC)
