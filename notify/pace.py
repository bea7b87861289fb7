"""Rate limits as data, and a fair queue that keeps them; the time is always given, never asked."""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, Protocol, TypeVar

T = TypeVar("T")

#: state of a bucket between two sends: numbers that a row of any store can hold
State = tuple[float, ...]

#: seconds too short to sleep for; a remainder of floating-point subtraction
_NOTHING = 1e-6


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

    def of(self, subject: str) -> "Bucket":
        """Return the same limit for one bot, chat, group or caller number."""
        return replace(self, key=f"{self.key}:{subject}")

    @property
    def interval(self) -> float:
        """Seconds between two evenly spaced sends."""
        return self.per_seconds / self.rate


def wait(bucket: Bucket, state: State, now: float) -> float:
    """Return the seconds until one more send is allowed; 0 = now. A clock set back never prolongs it (FS3)."""
    if not state:
        return 0.0
    if bucket.shape == "window":
        if len(state) < int(bucket.rate):
            return 0.0
        left = min(state[-int(bucket.rate)], now) + bucket.per_seconds - now
    else:
        due = min(state[0], now + bucket.burst * bucket.interval)
        left = due - (bucket.burst - 1) * bucket.interval - now
    return left if left > _NOTHING else 0.0


def spend(bucket: Bucket, state: State, now: float) -> State:
    """Return the state after one more send at `now`."""
    if bucket.shape == "window":
        kept = tuple(min(at, now) for at in state if now - at < bucket.per_seconds)
        return (*kept, now)[-int(bucket.rate) :]
    due = min(state[0], now + bucket.burst * bucket.interval) if state else now
    return (max(due, now) + bucket.interval,)


def idle(bucket: Bucket, state: State, now: float) -> bool:
    """Whether dropping this state changes nothing."""
    if not state:
        return True
    return state[-1] + (bucket.per_seconds if bucket.shape == "window" else 0.0) <= now


class Pacer(Protocol):
    """Grants sends to everyone who shares the same buckets."""

    async def take(self, buckets: Sequence[Bucket], now: float) -> float:
        """Return 0 and count one send in every bucket, or the seconds to wait and count nothing.

        `now` in seconds, of one clock for everyone who shares the buckets.
        """
        ...


class Paces:
    """The states of many buckets in memory; drops the idle ones."""

    def __init__(self, sweep_every: int = 4096) -> None:
        self._states: dict[str, tuple[Bucket, State]] = {}
        self._sweep_every = sweep_every
        self._spends = 0

    def __len__(self) -> int:
        return len(self._states)

    def wait(self, buckets: Sequence[Bucket], now: float) -> float:
        """Return the seconds until all of these buckets allow one more send."""
        return max((wait(bucket, self._state(bucket), now) for bucket in buckets), default=0.0)

    def spend(self, buckets: Sequence[Bucket], now: float) -> None:
        """Count one send in each of these buckets."""
        for bucket in buckets:
            self._states[bucket.key] = (bucket, spend(bucket, self._state(bucket), now))
        self._spends += 1
        if self._spends % self._sweep_every == 0:
            self._states = {key: kept for key, kept in self._states.items() if not idle(*kept, now)}

    def _state(self, bucket: Bucket) -> State:
        kept = self._states.get(bucket.key)
        return kept[1] if kept else ()


class LocalPacer:
    """A `Pacer` for one process."""

    def __init__(self) -> None:
        self._paces = Paces()

    async def take(self, buckets: Sequence[Bucket], now: float) -> float:
        seconds = self._paces.wait(buckets, now)
        if seconds == 0.0:
            self._paces.spend(buckets, now)
        return seconds


@dataclass
class _Line(Generic[T]):
    """Items waiting for one address. `ticket` marks its only valid heap entry; older ones are stale."""

    waiting: list[tuple[bool, int, T]] = field(default_factory=list)
    ticket: int = 0


class PacedQueue(Generic[T]):
    """Picks the next item within the limits: urgent first, then the address with the longest queue, then the oldest.

    Longest first keeps the total time near its minimum: the address with most items finishes last, so it must never
    wait idle. Within an address, urgent items go first and the rest keep their order. Times are floats of one
    monotonic clock given by the caller; `shared` buckets count every send, `of` gives those of one address.
    """

    def __init__(self, shared: Sequence[Bucket], of: Callable[[str], Sequence[Bucket]]) -> None:
        self._shared = tuple(shared)
        self._of = of
        self._paces = Paces()
        self._lines: dict[str, _Line[T]] = {}
        self._holds: dict[str, float] = {}
        self._ready: list[tuple[bool, int, int, int, str]] = []
        self._asleep: list[tuple[float, int, str]] = []
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, item: T, address: str, *, urgent: bool = False) -> None:
        """Queue an item; items queued earlier count as older."""
        line = self._lines.setdefault(address, _Line())
        heapq.heappush(line.waiting, (not urgent, self._next(), item))
        self._size += 1
        self._line_up(address, line)

    def hold(self, address: str, until: float) -> None:
        """Send nothing to this address before `until` (FT17: a 429 stops one chat, the others go on)."""
        self._holds[address] = max(until, self._holds.get(address, -math.inf))

    def pop(self, now: float) -> tuple[T | None, float]:
        """Return (item, 0) and count the send, or (None, seconds until calling again is useful; inf = empty)."""
        while self._asleep and self._asleep[0][0] <= now + _NOTHING:
            _, ticket, address = heapq.heappop(self._asleep)
            line = self._lines.get(address)
            if line and line.ticket == ticket:
                self._line_up(address, line)
        if self._size and (seconds := self._paces.wait(self._shared, now)):
            return None, seconds
        while self._ready:
            *_, ticket, address = heapq.heappop(self._ready)
            line = self._lines.get(address)
            if line is None or line.ticket != ticket:
                continue
            own = tuple(self._of(address))
            if seconds := max(self._paces.wait(own, now), self._held(address, now)):
                line.ticket = self._next()
                heapq.heappush(self._asleep, (now + seconds, line.ticket, address))
                continue
            *_, item = heapq.heappop(line.waiting)
            self._paces.spend((*self._shared, *own), now)
            self._size -= 1
            if line.waiting:
                self._line_up(address, line)
            else:
                del self._lines[address]
            return item, 0.0
        return None, max(0.0, self._asleep[0][0] - now) if self._asleep else math.inf

    def _line_up(self, address: str, line: _Line[T]) -> None:
        line.ticket = self._next()
        calm, age, _ = line.waiting[0]
        heapq.heappush(self._ready, (calm, -len(line.waiting), age, line.ticket, address))

    def _held(self, address: str, now: float) -> float:
        left = self._holds.get(address, now) - now
        if left <= _NOTHING:
            self._holds.pop(address, None)
            return 0.0
        return left

    def _next(self) -> int:
        self._count += 1
        return self._count
