"""The highest office time that was ever seen, and what becomes due again when it is set back."""

from datetime import datetime, timedelta
from typing import Protocol


class ClockStore(Protocol):
    """Keeps `clock_high`. A clock set back is dealt with by one leader, whoever notices (XR1, FS3)."""

    async def load_high(self) -> datetime | None:
        """Return the highest office time that was kept; None if none was."""
        ...

    async def keep_high(self, now: datetime) -> None:
        """Keep office time, unless a higher one is kept."""
        ...

    async def take_back(self, owner: str, now: datetime, tolerance: timedelta) -> bool:
        """If what was kept is more than `tolerance` ahead of `now`: make due again what waits by the former time.

        In one transaction with the lease of the leader and its fence, the finding `clock_back` and the new high. What
        waits for at once, for a retry or after a 429 is due now; what waits for an hour or a digest stays. Nothing is
        met again: only instants of waiting change. False if another has done it, or holds the lease.
        """
        ...
