"""Beats: every process says each few seconds that it lives and which work it has finished (operations §8, XR8)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from backend.office.clock import Clock
from backend.ports.availability import Unavailable
from backend.ports.operations import Beat, BeatStore

log = structlog.get_logger("operations")
BEATS_A_LEASE = 3  # beats in the time of a lease at least
BEAT_SECONDS = 10.0  # between two beats at most
ANSWER_SECONDS = 5.0  # longest wait for the database to take one


@dataclass(frozen=True, slots=True)
class Self:
    """What a process is; `process` is drawn by chance at its start."""

    process: str
    host: str
    roles: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often processes beat, and after which silence one counts as gone or a worker as stuck.

    Silence is 45 s: with beats 10 s apart whoever stops at any moment is seen within 60 s.
    """

    every: timedelta = timedelta(seconds=BEAT_SECONDS)
    silence: timedelta = timedelta(seconds=45)

    @staticmethod
    def of_lease(lease: timedelta) -> "Rhythm":
        """The rhythm of an installation whose leases last this long."""
        return Rhythm(min(timedelta(seconds=BEAT_SECONDS), lease / BEATS_A_LEASE))


#: Is told all beats after each of one's own; None: the database did not take it.
BeatListener = Callable[[Sequence[Beat] | None], Awaitable[None]]


class Beats:
    """The beats of this process. `heartbeats`: worker → `clock.monotonic` seconds of its last finished work."""

    def __init__(
        self, store: BeatStore, clock: Clock, own: Self, heartbeats: Mapping[str, float], channels: Sequence[str],
        rhythm: Rhythm,
    ) -> None:  # fmt: skip
        self._store = store
        self._clock = clock
        self.own = own
        self._heartbeats = heartbeats
        self._channels = channels
        self.rhythm = rhythm
        self.number = 0  # of the last beat the database took
        self.listeners: list[BeatListener] = []
        self._is_away = False
        self._beaten_at: float | None = None
        self._back_at = 0.0  # since when workers could work: after an outage, or a pause of this process
        self._telling: asyncio.Task[None] | None = None

    async def beat(self) -> None:
        """Beat once. A database that does not answer in time is no error: the next beat may reach it."""
        now = self._clock.monotonic()
        if self._is_away or (self._beaten_at or now) < now - 2 * self.rhythm.every.total_seconds():
            self._back_at = now
        self._beaten_at = now
        workers = {name: round(max(0.0, now - max(at, self._back_at)), 1) for name, at in self._heartbeats.items()}
        own = self.own
        beat = Beat(own.process, own.host, own.roles, own.code, workers, number=self.number + 1)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                beats = await self._store.beat(beat, self._channels, self._clock.now())
        except Exception as error:  # any failure means the same: nobody sees this beat
            if not self._is_away and not isinstance(error, Unavailable):
                log.warning("beat_failed", kind=type(error).__name__)
            self._is_away = True
            self._tell(None)
            return
        self.number, self._is_away = beat.number, False
        self._tell(beats)

    async def run_forever(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(self.rhythm.every.total_seconds())
            await self.beat()

    async def stop(self) -> None:
        """Say that this process stops cleanly; without a database it is found silent later."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._store.stop(self.own.process, self.rhythm.silence)

    def _tell(self, beats: Sequence[Beat] | None) -> None:
        """Tell the listeners, beside the beat: it never waits for them, and they are never told twice at a time."""
        if self.listeners and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell_all(beats), name="beat_listeners")

    async def _tell_all(self, beats: Sequence[Beat] | None) -> None:
        for listener in self.listeners:
            try:
                await listener(beats)
            except Exception:  # one listener's failure is not another's
                log.exception("beat_listener_failed")
