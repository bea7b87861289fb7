"""Detect what should have happened and did not; report it, repair nothing."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from backend.office.clock import Clock
from backend.ports.integrity import CheckThresholds, Finding, IntegrityStore

log = structlog.get_logger("integrity")
INTERVAL = timedelta(seconds=60)  # office time between runs
#: After a start, or after the office's clock was moved, the other workers get this much real time to catch up.
CATCH_UP = timedelta(seconds=15)
CLOCK_JUMP = timedelta(seconds=30)  # if office time gains or loses this much, the clock was moved

#: How long each thing may take before it is reported. Those in `REAL` are measured in real time.
ALLOWED_DELAYS = {
    "unnotified": timedelta(minutes=15), "sign": timedelta(minutes=5), "close": timedelta(minutes=5),
    "message": timedelta(minutes=15), "attempt": timedelta(minutes=10),
    "call": timedelta(hours=4), "inbox": timedelta(minutes=10), "card": timedelta(minutes=15),
    "clock": timedelta(minutes=5), "visit": timedelta(minutes=15), "platform": timedelta(minutes=30),
    "refusals": timedelta(hours=1),
}  # fmt: skip
LEASE_OVERDUE = timedelta(minutes=1)  # by the database's clock of leases
REAL_TIME = ("inbox",)
#: Found and healed by others: the walk along the chain (chain_walk.py), the watch over the clock.
KEPT_ELSEWHERE = ("chain_", "clock_")
ExtraCheck = Callable[[], Awaitable[Sequence[Finding]]]


class IntegrityChecks:
    """Faults, "How it is reached" 8; G24. Safe in any number of processes; a finding is stored once."""

    def __init__(self, store: IntegrityStore, clock: Clock, extra_checks: Sequence[ExtraCheck] = ()) -> None:
        """`extra_checks` are checks that no database query can make (B19)."""
        self._extra_checks = extra_checks
        self._store = store
        self._clock = clock
        self._seen: tuple[datetime, timedelta] | None = None  # office and monotonic time of the last run
        self._quiet_until: timedelta | None = None  # monotonic
        self._next: datetime | None = None
        self._cursor = 0
        self.checked_at: datetime | None = None  # office time of the last finished check

    async def run_once(self) -> int:
        """Check if a minute has passed since the last run; return how many findings are new."""
        now, real = self._clock.now(), timedelta(seconds=self._clock.monotonic())
        last, self._seen = self._seen, (now, real)
        if last is None or abs((now - last[0]) - (real - last[1])) > CLOCK_JUMP:
            self._quiet_until, self._next = real + CATCH_UP, None
        if self._quiet_until is not None and real < self._quiet_until:
            return 0
        if self._next is not None and now < self._next:
            return 0
        self._next = now + INTERVAL
        return len(await self.check())

    async def check(self) -> Sequence[Finding]:
        """Check now: store new findings, drop resolved ones; return the new ones."""
        now = self._clock.now()
        since = self._build_cutoffs(now)
        known = {(f.kind, f.subject): f for f in await self._store.list_open()}
        result = await self._store.run_checks(since, self._cursor)
        self._cursor = result.patrolled_to
        others = [f for look in self._extra_checks for f in await look()]
        found = {(f.kind, f.subject): f for f in (*result.findings, *others)}
        gone = [f for key, f in known.items() if key not in found and not f.kind.startswith(KEPT_ELSEWHERE)]
        healed = [f for f, still in zip(gone, await self._store.recheck(gone, since), strict=True) if not still]
        new = await self._store.save_findings([f for key, f in found.items() if key not in known], healed, now)
        for finding in new:
            log.warning("finding", kind=finding.kind, subject=finding.subject, **finding.facts)
        for finding in healed:
            log.info("finding_resolved", kind=finding.kind, subject=finding.subject)
        self.checked_at = now
        return new

    async def list_findings(self) -> Sequence[Finding]:
        """List the findings of the last check of any process, oldest first (for /readyz, the console, metrics)."""
        return await self._store.list_open()

    def _build_cutoffs(self, now: datetime) -> CheckThresholds:
        real = self._clock.real_now()
        return CheckThresholds(
            now=now,
            lease=LEASE_OVERDUE,
            **{name: (real if name in REAL_TIME else now) - span for name, span in ALLOWED_DELAYS.items()},
        )
