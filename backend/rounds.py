"""Background workers: woken at once when there is work, and by a regular tick as a safety net."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger("workers")
LONGEST_PAUSE = 30.0  # seconds between retries of a worker that keeps failing
NET = 3  # ticks a worker sleeps at most, by the event loop's clock


class Round:
    """One kind of background work. `work` handles what is due and returns how much that was."""

    def __init__(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        self.name = name
        self._work = work
        self._woken = asyncio.Event()
        self._lock = asyncio.Lock()
        self.beats: MutableMapping[str, float] = {}
        self.failures = 0

    def nudge(self) -> None:
        """Wake the worker: there is something to do now."""
        self._woken.set()

    async def once(self) -> int:
        """Run `work` now; never twice at the same time in this process."""
        async with self._lock:
            self._woken.clear()
            handled = await self._work()
            self.beats[self.name] = time.monotonic()
            self.failures = 0
            return handled

    async def forever(self, net: float | None = None) -> None:
        """Run whenever woken. An error is logged and retried; it never ends the worker.

        It wakes by itself `net` seconds after the last run: the scheduler follows the wall clock, and setting that
        back an hour would silence it for an hour (G11).
        """
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(net):
                    await self._woken.wait()
            try:
                if await self.once():
                    self._woken.set()  # there may be more: look again after the other workers had their turn
            except Exception:  # the only place where a worker's errors are logged and retried
                self.failures += 1
                log.exception("worker_failed", round=self.name, failures=self.failures)
                await asyncio.sleep(min(LONGEST_PAUSE, 0.2 * 2 ** min(self.failures, 8)))
                self._woken.set()


class Rounds:
    """All workers of this process; one scheduler wakes them at every tick."""

    def __init__(self, rounds: Sequence[Round], tick_seconds: float) -> None:
        self.all: dict[str, Round] = {}
        self._tick = tick_seconds
        self._tasks: list[asyncio.Task[None]] = []
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self.beats: MutableMapping[str, float] = {}  # name → monotonic seconds of the last finished run
        for one in rounds:
            self.add(one)

    def add(self, one: Round) -> None:
        """Add a worker."""
        self.all[one.name] = one
        one.beats = self.beats

    def nudge(self, *names: str) -> None:
        """Wake the named workers (all if none is named)."""
        for name in names or self.all:
            if name in self.all:
                self.all[name].nudge()

    async def start(self) -> None:
        """Start all workers and the scheduler."""
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
        """Stop the scheduler and cancel all workers."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def turn(self) -> int:
        """Run each worker once, one after another; return how much was handled."""
        return sum([await one.once() for one in self.all.values()])
