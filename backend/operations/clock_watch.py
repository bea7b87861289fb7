"""Watches the office's clock: a step back makes due again what waits; hosts that disagree with the database are named."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from backend.office.clock import Clock
from backend.ports.availability import Unavailable
from backend.ports.integrity import Finding, IntegrityStore
from backend.ports.operations import ClockStore

log = structlog.get_logger("clock")
KEEP_SECONDS = 60.0  # between two times that `clock_high` is kept
SAMPLE_SECONDS = 1.0  # between two samples of the database's clock
BACK = timedelta(seconds=5)  # a step back by less is none
SKEW = timedelta(seconds=2)  # between host and database, before it is told


class SampledTime(Protocol):
    """The database's clock as this process knows it."""

    skew: timedelta  # how far the host is ahead of it

    async def sample(self) -> None:
        """Ask the database. Raises what the database raises."""
        ...


class ClockWatch:
    """`run_once` is a worker of the role clock; `follow` runs in every process whose database has a clock (XR1).

    `serving_again` is called when the clock was set back: what waits is due now.
    """

    def __init__(
        self, store: ClockStore, findings: IntegrityStore, clock: Clock, owner: str, host: str,
        serving_again: Callable[[], None], sampled: SampledTime | None = None,
    ) -> None:  # fmt: skip
        self._serving_again = serving_again
        self._store = store
        self._findings = findings
        self._clock = clock
        self._owner = owner
        self._host = host
        self._sampled = sampled
        self._high: datetime | None = None  # the highest office time seen here or kept
        self._kept_at: float | None = None  # monotonic second
        self._is_skewed: bool | None = None

    async def run_once(self) -> int:
        """Notice a step back; keep the highest time each minute. Returns 1 when something became due again."""
        now, second = self._clock.now(), self._clock.monotonic()
        if self._high is None:
            self._high = await self._store.load_high() or now
        if now < self._high - BACK:
            is_leader = await self._store.take_back(self._owner, now, BACK)
            if is_leader:
                log.error("clock_back", seconds=round((self._high - now).total_seconds()))
            self._high = await self._store.load_high() or now
            self._serving_again()
            return int(is_leader)
        self._high = max(self._high, now)
        if self._kept_at is None or second - self._kept_at >= KEEP_SECONDS:
            self._kept_at = second
            await self._store.keep_high(now)
            await self._heal(now)
        return 0

    async def follow(self) -> None:
        """Sample the database's clock until cancelled, and say when this host disagrees (FD22)."""
        while self._sampled is not None:
            await asyncio.sleep(SAMPLE_SECONDS)
            try:
                await self._sampled.sample()
                await self._compare(self._sampled.skew)
            except Unavailable:
                continue
            except Exception as error:  # the clock goes on by itself
                log.warning("clock_not_sampled", kind=type(error).__name__)

    async def _compare(self, skew: timedelta) -> None:
        is_skewed = abs(skew) > SKEW
        if is_skewed is self._is_skewed:
            return
        finding = Finding("clock_skew", self._host, {"seconds": round(skew.total_seconds(), 1)})
        found, healed = ([finding], []) if is_skewed else ([], [finding])
        if is_skewed:
            log.error("clock_skew", seconds=finding.facts["seconds"])
        await self._findings.save_findings(found, healed, self._clock.now())
        self._is_skewed = is_skewed

    async def _heal(self, now: datetime) -> None:
        """A step back is over when its time has come again; a host that said nothing for a day has gone."""
        over = [
            finding
            for finding in await self._findings.list_open()
            if (finding.kind == "clock_back" and now >= datetime.fromisoformat(finding.facts["from_at"]))
            or (finding.kind == "clock_skew" and now - (finding.found_at or now) > timedelta(days=1))
        ]
        await self._findings.save_findings([], over, now)
        if any(finding.subject == self._host for finding in over):
            self._is_skewed = None
