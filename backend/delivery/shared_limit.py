"""Rate limits shared by all processes through a store; a reduced local limit while the store is down (FD20)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from backend.ports.outbox import BucketStates, RateLimitStore
from notify.rate_limit import Bucket, LocalRateLimiter, get_wait, spend

log = structlog.get_logger("rate_limit")
LOCAL_SHARE = 0.25  # of the rate used per process while the store is down: four workers together keep the limit
RETRY_AFTER = 5.0  # seconds before the store is tried again
KEEP_SECONDS = 120.0  # seconds for which the state of any bucket matters


class SharedRateLimiter:
    """A `notify.rate_limit.RateLimiter` over a shared store (FT19, FM11): all buckets are counted, or none.

    `is_optional`: a failing store slows us down instead of stopping us (Redis); otherwise its errors are raised,
    because without the database nothing may be sent (FM13).
    """

    def __init__(self, store: RateLimitStore, monotonic: Callable[[], float], *, is_optional: bool = False) -> None:
        self._store = store
        self._is_optional = is_optional
        self._monotonic = monotonic
        self._local = LocalRateLimiter(monotonic)
        self._retry_at = -RETRY_AFTER

    async def try_acquire(self, buckets: Sequence[Bucket]) -> float:
        """Return 0 and count one send in every bucket, or the seconds to wait and count nothing."""
        if not buckets:
            return 0.0
        if self._monotonic() < self._retry_at:
            return await self._acquire_locally(buckets)
        answer: list[float] = []

        def decide(states: BucketStates, now: float) -> BucketStates | None:
            seconds = max(get_wait(b, states.get(b.key, ()), now) for b in buckets)
            answer[:] = [seconds]
            if seconds > 0.0:
                return None
            return {b.key: spend(b, states.get(b.key, ()), now) for b in buckets}

        try:
            await self._store.update([b.key for b in buckets], decide, KEEP_SECONDS)
        except Exception as error:
            if not self._is_optional:
                raise
            self._retry_at = self._monotonic() + RETRY_AFTER
            log.warning("rate_limit_store_down", error=type(error).__name__)
            return await self._acquire_locally(buckets)
        return answer[0]

    async def _acquire_locally(self, buckets: Sequence[Bucket]) -> float:
        return await self._local.try_acquire([replace(b, rate=max(1.0, b.rate * LOCAL_SHARE)) if b.rate >= 4 else replace(
            b, per_seconds=b.per_seconds / LOCAL_SHARE) for b in buckets])  # fmt: skip
