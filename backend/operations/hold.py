"""The hold: a database that went back in time sends nothing until an operator has looked and released it (XR3, FD13)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from backend.domain.chance import Chance
from backend.domain.instants import from_micros, to_micros, to_span
from backend.domain.refusals import Refused
from backend.office.clock import Clock
from backend.ports.backups import Hold, HoldStore, Mark, MarkPlace, Release, Standing, Waiting
from backend.ports.operations import Beat

log = structlog.get_logger("operations")
MOST_BEHIND = timedelta(seconds=60)  # a failover to a replica that lags less is no restore
LOOK_SECONDS = 1.0  # how often the database is asked whether the hold still stands
INCARNATION_BYTES = 12


@dataclass(frozen=True, slots=True)
class HoldReport:
    """What an operator sees before they release."""

    hold: Hold
    waiting: Sequence[Waiting]
    passed_duties: Mapping[str, int]


class Holds:
    """Keeps marks outside the database, begins a hold when the database is older than they are, and releases it."""

    def __init__(self, store: HoldStore, places: Sequence[MarkPlace], clock: Clock, chance: Chance) -> None:
        self._store = store
        self._places = places
        self._clock = clock
        self._chance = chance
        self._looked_at: float | None = None
        self.current: Hold | None = None  # as of the last look, for pages

    async def start(self) -> None:
        """Before any work: name a new database, and hold one that is older than the marks or has lost them."""
        standing = await self._store.read()
        if not standing.incarnation:
            await self._store.begin_incarnation(self._chance.hex_token(INCARNATION_BYTES))
        elif standing.hold is None:
            await self._compare(standing, is_start=True)
        await self.is_held()

    async def keep_mark(self) -> None:
        """After each beat: compare, count it in the database, and only then write the mark outside.

        A crash in between leaves a mark that is older than the database, which holds nothing.
        """
        standing = await self._store.read()
        self.current = standing.hold
        if standing.hold is None:
            await self._compare(standing, is_start=False)
        mark = await self._store.advance(self._clock.real_now(), self._clock.now())
        for place in self._places:
            try:
                await place.write(mark)
            except Exception as error:  # a full disk or Redis being away stops nothing; the other place may do
                log.warning("mark_not_kept", kind=type(error).__name__)

    async def follow_beat(self, beats: Sequence[Beat] | None) -> None:
        """Keep the mark after a beat; without one the database is away, and nothing is to be marked."""
        if beats is not None:
            await self.keep_mark()

    async def _compare(self, standing: Standing, *, is_start: bool) -> None:
        marks = await self._read_marks(standing.incarnation)
        own, now = standing.mark, to_micros(self._clock.real_now())
        newest = max(marks, key=lambda mark: mark.number, default=None)
        if newest is not None:
            if own is None or (newest.number > own.number and newest.at - own.at > to_span(MOST_BEHIND)):
                await self._begin("behind", newest, own)
        elif is_start and own is not None and now - own.at > to_span(MOST_BEHIND):
            await self._begin("unmarked", None, own)  # others of this incarnation would have beaten lately

    async def _begin(self, why: str, newest: Mark | None, own: Mark | None) -> None:
        hold = build_hold(why, self._clock.now(), newest, own)
        if await self._store.begin(hold):
            log.error("hold_begun", why=why)
        self._looked_at = None

    async def _read_marks(self, incarnation: str) -> list[Mark]:
        marks = []
        for place in self._places:
            try:
                mark = await place.read()
            except Exception as error:
                log.warning("mark_not_read", kind=type(error).__name__)
                continue
            if mark is not None and mark.incarnation == incarnation:
                marks.append(mark)
        return marks

    async def is_held(self) -> bool:
        """Whether a hold stands, as of at most a second ago."""
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_SECONDS:
            self.current = (await self._store.read()).hold
            self._looked_at = now
        return self.current is not None

    def unless_held(self, work: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
        """Wrap work by which something leaves or the clock moves something: it rests while a hold stands."""

        async def run() -> int:
            return 0 if await self.is_held() else await work()

        return run

    async def describe(self) -> HoldReport | None:
        """Return what waits, by kind and age, and what passed in the gap; None while nothing is held."""
        hold = (await self._store.read()).hold
        if hold is None:
            return None
        now = self._clock.now()
        since = hold.mark_at if hold.kept_until is None else hold.kept_until
        return HoldReport(
            hold, await self._store.count_waiting(hold.mark_at, now), await self._store.count_passed_duties(since, now)
        )

    async def release(self, mode: Release, by: str, *, before: datetime | None = None) -> int:
        """Release; return how many waiting things were dropped: by default those due by the newest mark.

        `before` takes the place of the mark. Refused `not_held`.
        """
        hold = (await self._store.read()).hold
        if hold is None:
            raise Refused("not_held")
        cut = before or from_micros(hold.mark_at)
        facts = {"mode": str(mode), "before": cut.isoformat(), "why": hold.why}
        dropped = await self._store.release(mode, cut, self._clock.now(), by, facts)
        if dropped is None:
            raise Refused("not_held")
        log.warning("hold_released", mode=str(mode), dropped=dropped)
        self._looked_at, self.current = None, None
        return dropped


def build_hold(why: str, now: datetime, newest: Mark | None, own: Mark | None, kept_until: int | None = None) -> Hold:
    """Return the hold of a database that is older than the newest mark of its own past.

    Without one nobody knows how far it had gone, so that whatever is due by now may have been sent.
    """
    kept = own.line_at if own is not None else kept_until
    if newest is None:
        return Hold(why, to_micros(now), to_micros(now), None, None, kept)
    lines = newest.lines - own.lines if own is not None else None
    return Hold(why, to_micros(now), newest.office_at, newest.line_at, lines, kept)
