"""Shared rate limits in a table: one process at a time changes a few buckets (FT19, FM11)."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, Select, bindparam, delete, select, text

from backend.ports.outbox import Decide
from storage import tables as t
from storage.engine.database import Database
from storage.engine.lease_clock import LeaseClock

_INSERT_BUCKET = text(
    "INSERT INTO rate_limits (bucket, state, idle_at) VALUES (:b, '[]', 0) ON CONFLICT (bucket) DO NOTHING"
)
_UPDATE_BUCKET = text("UPDATE rate_limits SET state = :state, idle_at = :idle_at WHERE bucket = :b")
_SWEEP = delete(t.rate_limits).where(t.rate_limits.c.idle_at < bindparam("before"))
SWEEP_EVERY = 2_000  # changes between two sweeps of long-unused buckets


def _build_lock(clock: LeaseClock) -> Select[str, str, int]:
    """Build the query that locks buckets and reads them; each row with the time after a wait for its lock."""
    return (
        select(t.rate_limits.c.bucket, t.rate_limits.c.state, clock.at_row.label("now"))
        .where(t.rate_limits.c.bucket.in_(bindparam("names", expanding=True)))
        .order_by(t.rate_limits.c.bucket)
        .with_for_update()
    )


class SqlRateLimitStore:
    """`RateLimitStore` on either engine, by the lease clock. Rows are locked in the order of their names."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._clock = db.lease_clock
        self._lock = _build_lock(db.lease_clock)
        self._changes = 0

    async def update(self, buckets: Sequence[str], decide: Decide, keep_seconds: float) -> None:
        """Read these buckets, decide and write the result in one transaction."""
        names = sorted(set(buckets))
        self._changes += 1
        sweep = self._changes % SWEEP_EVERY == 0

        def work(c: Connection) -> None:
            rows = c.execute(self._lock, {"names": names, **self._clock.parameters()}).all()
            if len(rows) < len(names):
                c.execute(_INSERT_BUCKET, [{"b": name} for name in names])
                rows = c.execute(self._lock, {"names": names, **self._clock.parameters()}).all()
            now = max(r.now for r in rows) / 1_000_000
            after = decide({r.bucket: tuple(json.loads(r.state)) for r in rows}, now)
            if after is None:
                return
            idle_at = int((now + keep_seconds) * 1_000_000)
            c.execute(
                _UPDATE_BUCKET,
                [{"b": b, "state": json.dumps(s), "idle_at": idle_at} for b, s in sorted(after.items())],
            )
            if sweep:
                c.execute(_SWEEP, {"before": int((now - keep_seconds) * 1_000_000)})

        await self._db.write(work)
