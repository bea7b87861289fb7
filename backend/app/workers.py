"""Background workers: woken at once when there is work, and by a regular tick as a safety net."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger("workers")
MAX_PAUSE_SECONDS = 30.0  # seconds between retries of a worker that keeps failing
SAFETY_TICKS = 3  # ticks a worker sleeps at most, by the event loop's clock


class Worker:
    """One kind of background work. `work` handles what is due and returns how much that was."""

    def __init__(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        self.name = name
        self._work = work
        self._woken = asyncio.Event()
        self._lock = asyncio.Lock()
        self.heartbeats: MutableMapping[str, float] = {}
        self.failures = 0

    def wake(self) -> None:
        """Wake the worker: there is something to do now."""
        self._woken.set()

    async def run_once(self) -> int:
        """Run `work` now; never twice at the same time in this process."""
        async with self._lock:
            self._woken.clear()
            handled = await self._work()
            self.heartbeats[self.name] = time.monotonic()
            self.failures = 0
            return handled

    async def run_forever(self, safety_seconds: float | None = None) -> None:
        """Run whenever woken. An error is logged and retried; it never ends the worker.

        It wakes by itself `safety_seconds` after the last run: the scheduler follows the wall clock, and setting that
        back an hour would silence it for an hour (G11).
        """
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(safety_seconds):
                    await self._woken.wait()
            try:
                if await self.run_once():
                    self._woken.set()  # there may be more: look again after the other workers had their turn
            except Exception:  # the only place where a worker's errors are logged and retried
                self.failures += 1
                log.exception("worker_failed", worker=self.name, failures=self.failures)
                await asyncio.sleep(min(MAX_PAUSE_SECONDS, 0.2 * 2 ** min(self.failures, 8)))
                self._woken.set()


class Workers:
    """All workers of this process; one scheduler wakes them at every tick."""

    def __init__(self, workers: Sequence[Worker], tick_seconds: float) -> None:
        self.by_name: dict[str, Worker] = {}
        self._tick = tick_seconds
        self._tasks: list[asyncio.Task[None]] = []
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self.heartbeats: MutableMapping[str, float] = {}  # name → monotonic seconds of the last finished run
        for worker in workers:
            self.add_worker(worker)

    def add_worker(self, worker: Worker) -> None:
        """Add a worker."""
        self.by_name[worker.name] = worker
        worker.heartbeats = self.heartbeats

    def wake(self, *names: str) -> None:
        """Wake the named workers (all if none is named)."""
        for name in names or self.by_name:
            if name in self.by_name:
                self.by_name[name].wake()

    async def start(self) -> None:
        """Start all workers and the scheduler."""
        self.heartbeats.update({name: time.monotonic() for name in self.by_name})
        self._tasks = [
            asyncio.create_task(w.run_forever(SAFETY_TICKS * self._tick), name=f"worker:{w.name}")
            for w in self.by_name.values()
        ]
        self._scheduler.add_job(
            self.wake,
            "interval",
            seconds=self._tick,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.start()
        self.wake()

    async def stop(self) -> None:
        """Stop the scheduler and cancel all workers."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def run_all_once(self) -> int:
        """Run each worker once, one after another; return how much was handled."""
        return sum([await worker.run_once() for worker in self.by_name.values()])
