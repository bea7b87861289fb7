"""The rehearsal clock: real time plus an offset; moving it runs everything that becomes due, in order."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from backend.domain.refusals import Refused
from backend.ports.ids import KeyValueStore

_PART = re.compile(r"(\d{1,6})\s*(d|h|m|s)", re.IGNORECASE | re.ASCII)
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
MAX_SPAN = timedelta(days=400)
MAX_STEPS = 2_000  # stops on the way at most; instants closer together share one


def parse_span(text: str) -> timedelta:
    """Parse `2h30m`, `1d` or `45s`. Refused `bad_span` for anything else, for zero and for over 400 days."""
    cleaned = text.strip()
    parts = _PART.findall(cleaned)
    if not parts or _PART.sub("", cleaned).strip():
        raise Refused("bad_span", value=text[:40])
    span = timedelta(**{_UNITS[u.lower()]: 0 for _, u in parts})
    for amount, unit in parts:
        span += timedelta(**{_UNITS[unit.lower()]: int(amount)})
    if not timedelta(0) < span <= MAX_SPAN:
        raise Refused("bad_span", value=text[:40])
    return span


class SandboxClock:
    """A clock that can be moved forward."""

    def __init__(self, store: KeyValueStore, wall_clock: Callable[[], datetime]) -> None:
        self._store = store
        self._wall_clock = wall_clock
        self._offset = timedelta(0)

    async def catch_up(self) -> bool:
        """Adopt a larger offset stored by another process; True if there was one. The clock never goes back."""
        stored = await self._store.get("sandbox_offset")
        offset = timedelta(seconds=float(stored)) if stored else timedelta(0)
        is_ahead = offset > self._offset
        self._offset = max(self._offset, offset)
        return is_ahead

    @property
    def offset(self) -> timedelta:
        """How far the rehearsal is ahead of real time."""
        return self._offset

    def now(self) -> datetime:
        """Return the current rehearsal time, UTC."""
        return self._wall_clock() + self._offset

    async def move(self, by: timedelta) -> None:
        """Store the offset before anything runs at the new time, so that a kill leaves nothing in the future."""
        self._offset += by
        await self._store.put("sandbox_offset", str(self._offset.total_seconds()))


class ClockMover:
    """Moves a rehearsal's clock. `settle` runs what is due now; `find_next_stop` returns the next due instant.

    `carry` takes along what moving must not use up: who is signed in stays so (FA4). `is_ringing`: whether a telephone
    rings and waits for a person.
    """

    def __init__(
        self,
        clock: SandboxClock,
        settle: Callable[[], Awaitable[object]],
        find_next_stop: Callable[[datetime], Awaitable[datetime | None]],
        carry: Callable[[timedelta], Awaitable[object]],
        is_ringing: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._settle = settle
        self._find_next_stop = find_next_stop
        self._carry = carry
        self._is_ringing = is_ringing

    async def advance(self, span_text: str, *, until_ring: bool = False) -> datetime:
        """Move forward, stopping at every instant at which something is planned; return the new time.

        `until_ring`: no further than to where a telephone rings.

        Raises Refused `bad_span`.
        """
        span, clock = parse_span(span_text), self._clock
        await clock.catch_up()
        target = clock.now() + span
        min_step = max(timedelta(seconds=1), span / MAX_STEPS)
        await self._settle()
        while not (until_ring and self._is_ringing()):
            stop = await self._find_next_stop(now := clock.now())
            await self._move(max(timedelta(0), min(target, max(stop or target, now + min_step)) - now))
            await self._settle()
            if clock.now() >= target:
                break
        return clock.now()

    async def _move(self, by: timedelta) -> None:
        """Move; what goes along goes first: nobody may ask between."""
        await self._carry(by)
        await self._clock.move(by)
