"""The rounds and their metronome: work that is woken by a nudge at once, or by the tick as a net."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger("rounds")
LONGEST_PAUSE = 30.0  # seconds between tries of a round that keeps failing
NET = 3  # ticks a round sleeps at most, by the loop's own clock


class Round:
    """One kind of work. `work` handles what is due and answers how much that was."""

    def __init__(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        self.name = name
        self._work = work
        self._woken = asyncio.Event()
        self._lock = asyncio.Lock()
        self.beats: MutableMapping[str, float] = {}
        self.failures = 0

    def nudge(self) -> None:
        """There is something to do now."""
        self._woken.set()

    async def once(self) -> int:
        """Work now; never twice at the same time in this process."""
        async with self._lock:
            self._woken.clear()
            handled = await self._work()
            self.beats[self.name] = time.monotonic()
            self.failures = 0
            return handled

    async def forever(self, net: float | None = None) -> None:
        """Work whenever woken. An accident is logged and tried again; it never ends the round.

        `net` seconds after the last work it wakes by itself: the metronome goes by the clock on the wall, and one that
        is put back an hour would still it for an hour (G11).
        """
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(net):
                    await self._woken.wait()
            try:
                if await self.once():
                    self._woken.set()  # there may be more: look again, after the others had their turn
            except Exception:  # the one door of a round: accidents are logged here and tried again
                self.failures += 1
                log.exception("round_failed", round=self.name, failures=self.failures)
                await asyncio.sleep(min(LONGEST_PAUSE, 0.2 * 2 ** min(self.failures, 8)))
                self._woken.set()


class Rounds:
    """All rounds of this process, ticked by one scheduler that does nothing but wake them."""

    def __init__(self, rounds: Sequence[Round], tick_seconds: float) -> None:
        self.all: dict[str, Round] = {}
        self._tick = tick_seconds
        self._tasks: list[asyncio.Task[None]] = []
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self.beats: MutableMapping[str, float] = {}  # name → monotonic seconds of the last finished round
        for one in rounds:
            self.add(one)

    def add(self, one: Round) -> None:
        """One more round."""
        self.all[one.name] = one
        one.beats = self.beats

    def nudge(self, *names: str) -> None:
        """Wake these rounds (all of them if none is named)."""
        for name in names or self.all:
            if name in self.all:
                self.all[name].nudge()

    async def start(self) -> None:
        """Begin all rounds and the metronome."""
        self.beats.update({name: time.monotonic() for name in self.all})
        self._tasks = [
            asyncio.create_task(r.forever(NET * self._tick), name=f"round:{r.name}") for r in self.all.values()
        ]
        self._scheduler.add_job(
            self.nudge,
            "interval",
            seconds=self._tick,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.start()
        self.nudge()

    async def stop(self) -> None:
        """Let rounds in progress finish their piece, then end."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def turn(self) -> int:
        """Each round once, now, one after another; how much was handled."""
        return sum([await one.once() for one in self.all.values()])
