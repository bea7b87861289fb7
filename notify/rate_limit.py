"""Rate limits as data, and a fair queue that keeps them; the time is always given, never asked."""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, Protocol, TypeVar

T = TypeVar("T")

#: state of a bucket between two sends: numbers that a row of any store can hold
BucketState = tuple[float, ...]

#: seconds too short to sleep for; a remainder of floating-point subtraction
_EPSILON = 1e-6


@dataclass(frozen=True)
class Bucket:
    """A limit of `rate` sends per `per_seconds`, identified by `key`.

    smooth  evenly spaced, `burst` may be sent at once (a fraction over 1 only compensates for waking late, so
            that a busy machine does not lose rate); in any window of w seconds at most burst + rate × w / per
            state: (the earliest time at which the next send is exactly on schedule,)
    window  exactly `rate` in any window of `per_seconds`, as early as possible; `burst` is not used
            state: the times of the last `rate` sends
    """

    key: str
    rate: float
    per_seconds: float
    burst: float = 1.0
    shape: Literal["smooth", "window"] = "smooth"

    def for_subject(self, subject: str) -> "Bucket":
        """Return the same limit for one bot, chat, group or caller number."""
        return replace(self, key=f"{self.key}:{subject}")

    @property
    def interval(self) -> float:
        """Seconds between two evenly spaced sends."""
        return self.per_seconds / self.rate


def get_wait(bucket: Bucket, state: BucketState, now: float) -> float:
    """Return the seconds until one more send is allowed; 0 = now. Whoever waits so long may send then (FS3, XR1)."""
    state = _drop_impossible(bucket, state, now)
    if not state:
        return 0.0
    if bucket.shape == "window":
        if len(state) < int(bucket.rate):
            return 0.0
        left = state[-int(bucket.rate)] + bucket.per_seconds - now
    else:
        left = state[0] - (bucket.burst - 1) * bucket.interval - now
    return left if left > _EPSILON else 0.0


def spend(bucket: Bucket, state: BucketState, now: float) -> BucketState:
    """Return the state after one more send at `now`."""
    state = _drop_impossible(bucket, state, now)
    if bucket.shape == "window":
        kept = tuple(at for at in state if now - at < bucket.per_seconds)
        return (*kept, now)[-int(bucket.rate) :]
    return (max(state[0] if state else now, now) + bucket.interval,)


def _drop_impossible(bucket: Bucket, state: BucketState, now: float) -> BucketState:
    """Drop what no send up to `now` can have left: the clock was set back since, or another one wrote it (XR1).

    A send in the future is none; a smooth bucket is never further ahead than a full one.
    """
    if bucket.shape == "window":
        return tuple(at for at in state if at <= now + _EPSILON)
    return state if state and state[0] <= now + bucket.burst * bucket.interval + _EPSILON else ()


def is_idle(bucket: Bucket, state: BucketState, now: float) -> bool:
    """Whether dropping this state changes nothing."""
    if not state:
        return True
    return state[-1] + (bucket.per_seconds if bucket.shape == "window" else 0.0) <= now


class RateLimiter(Protocol):
    """Grants sends to everyone who shares the same buckets."""

    async def try_acquire(self, buckets: Sequence[Bucket]) -> float:
        """Return 0 and count one send in every bucket, or the seconds to wait and count nothing.

        The limiter's clock is one for everyone who shares the buckets; no caller brings its own (XR1).
        """
        ...


class LocalBuckets:
    """The states of many buckets in memory; drops the idle ones."""

    def __init__(self, sweep_every: int = 4096) -> None:
        self._states: dict[str, tuple[Bucket, BucketState]] = {}
        self._sweep_every = sweep_every
        self._spends = 0

    def __len__(self) -> int:
        return len(self._states)

    def get_wait(self, buckets: Sequence[Bucket], now: float) -> float:
        """Return the seconds until all of these buckets allow one more send."""
        return max((get_wait(bucket, self._state(bucket), now) for bucket in buckets), default=0.0)

    def spend(self, buckets: Sequence[Bucket], now: float) -> None:
        """Count one send in each of these buckets."""
        for bucket in buckets:
            self._states[bucket.key] = (bucket, spend(bucket, self._state(bucket), now))
        self._spends += 1
        if self._spends % self._sweep_every == 0:
            self._states = {key: kept for key, kept in self._states.items() if not is_idle(*kept, now)}

    def _state(self, bucket: Bucket) -> BucketState:
        kept = self._states.get(bucket.key)
        return kept[1] if kept else ()


class LocalRateLimiter:
    """A `RateLimiter` for one process, by its monotonic clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buckets = LocalBuckets()

    async def try_acquire(self, buckets: Sequence[Bucket]) -> float:
        now = self._monotonic()
        seconds = self._buckets.get_wait(buckets, now)
        if seconds == 0.0:
            self._buckets.spend(buckets, now)
        return seconds


@dataclass
class _AddressQueue(Generic[T]):
    """Items waiting for one address. `ticket` marks its only valid heap entry; older ones are stale."""

    waiting: list[tuple[bool, int, T]] = field(default_factory=list)
    ticket: int = 0


class RateLimitedQueue(Generic[T]):
    """Picks the next item within the limits: urgent first, then the address with the longest queue, then the oldest.

    Longest first keeps the total time near its minimum: the address with most items finishes last, so it must never
    wait idle. Within an address, urgent items go first and the rest keep their order. Times are floats of one
    monotonic clock given by the caller; `shared` buckets count every send, `buckets_of` gives those of one address.
    """

    def __init__(self, shared: Sequence[Bucket], buckets_of: Callable[[str], Sequence[Bucket]]) -> None:
        self._shared = tuple(shared)
        self._buckets_of = buckets_of
        self._buckets = LocalBuckets()
        self._queues: dict[str, _AddressQueue[T]] = {}
        self._holds: dict[str, float] = {}
        self._ready: list[tuple[bool, int, int, int, str]] = []
        self._asleep: list[tuple[float, int, str]] = []
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, item: T, address: str, *, urgent: bool = False) -> None:
        """Queue an item; items queued earlier count as older."""
        queue = self._queues.setdefault(address, _AddressQueue())
        heapq.heappush(queue.waiting, (not urgent, self._next_number(), item))
        self._size += 1
        self._schedule(address, queue)

    def hold(self, address: str, until: float) -> None:
        """Send nothing to this address before `until` (FT17: a 429 stops one chat, the others go on)."""
        self._holds[address] = max(until, self._holds.get(address, -math.inf))

    def pop(self, now: float) -> tuple[T | None, float]:
        """Return (item, 0) and count the send, or (None, seconds until calling again is useful; inf = empty)."""
        while self._asleep and self._asleep[0][0] <= now + _EPSILON:
            _, ticket, address = heapq.heappop(self._asleep)
            queue = self._queues.get(address)
            if queue and queue.ticket == ticket:
                self._schedule(address, queue)
        if self._size and (seconds := self._buckets.get_wait(self._shared, now)):
            return None, seconds
        while self._ready:
            *_, ticket, address = heapq.heappop(self._ready)
            queue = self._queues.get(address)
            if queue is None or queue.ticket != ticket:
                continue
            own = tuple(self._buckets_of(address))
            if seconds := max(self._buckets.get_wait(own, now), self._get_hold(address, now)):
                queue.ticket = self._next_number()
                heapq.heappush(self._asleep, (now + seconds, queue.ticket, address))
                continue
            *_, item = heapq.heappop(queue.waiting)
            self._buckets.spend((*self._shared, *own), now)
            self._size -= 1
            if queue.waiting:
                self._schedule(address, queue)
            else:
                del self._queues[address]
            return item, 0.0
        return None, max(0.0, self._asleep[0][0] - now) if self._asleep else math.inf

    def _schedule(self, address: str, queue: _AddressQueue[T]) -> None:
        queue.ticket = self._next_number()
        calm, age, _ = queue.waiting[0]
        heapq.heappush(self._ready, (calm, -len(queue.waiting), age, queue.ticket, address))

    def _get_hold(self, address: str, now: float) -> float:
        left = self._holds.get(address, now) - now
        if left <= _EPSILON:
            self._holds.pop(address, None)
            return 0.0
        return left

    def _next_number(self) -> int:
        self._count += 1
        return self._count
