"""Background workers: woken at once when there is work, and by a regular tick as a safety net."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from backend.app.build_operations import SAFETY_TICKS
from backend.office.signals import Wakeups
from backend.ports.availability import Unavailable

log = structlog.get_logger("workers")
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.2, 30.0  # between tries of a worker that keeps failing, unless it is woken
LINE_SECONDS = 30.0  # between two lines about one trouble


class Worker:
    """One kind of background work. `work` handles what is due and returns how much that was."""

    def __init__(self, name: str, work: Callable[[], Awaitable[int]], monotonic: Callable[[], float]) -> None:
        self.name = name
        self._work = work
        self._monotonic = monotonic
        self._woken = asyncio.Event()
        self._lock = asyncio.Lock()
        self.heartbeats: MutableMapping[str, float] = {}
        self._failures = 0  # without a finished run between
        self._said_at: dict[str, float] = {}  # why it fails → when that was said last

    def wake(self) -> None:
        """Wake the worker: there is something to do now. It ends a pause after a failure too (XR6)."""
        self._woken.set()

    async def run_once(self) -> int:
        """Run `work` now; never twice at the same time in this process."""
        async with self._lock:
            self._woken.clear()
            handled = await self._work()
            self.heartbeats[self.name] = self._monotonic()
            self._note_success()
            return handled

    async def run_forever(self, safety_seconds: float | None = None) -> None:
        """Run whenever woken. An error is logged and retried; it never ends the worker.

        It wakes by itself `safety_seconds` after the last run: the scheduler follows the wall clock, and setting that
        back an hour would silence it for an hour (G11).
        """
        while True:
            await self._wait(safety_seconds)
            try:
                if await self.run_once():
                    self._woken.set()  # there may be more: look again after the other workers had their turn
            except Exception as error:  # the only place where a worker's errors are logged and retried
                self._note_failure(error)
                await asyncio.sleep(MIN_PAUSE_SECONDS)
                await self._wait(min(MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS * 2 ** min(self._failures, 8)))
                self._woken.set()

    async def _wait(self, seconds: float | None) -> None:
        """Wait until woken, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    def _note_failure(self, error: Exception) -> None:
        """Say once what is the trouble, with its traceback, then each 30 s that it lasts; of outages the watch speaks."""
        self._failures += 1
        if isinstance(error, Unavailable) and error.is_watched:
            return
        trouble, now = _describe(error), self._monotonic()
        if trouble not in self._said_at:
            log.error("worker_failed", worker=self.name, failures=self._failures, exc_info=error)
        elif now - max(self._said_at.values()) >= LINE_SECONDS:
            log.error("worker_still_fails", worker=self.name, failures=self._failures, why=trouble)
        else:
            return
        self._said_at[trouble] = now

    def _note_success(self) -> None:
        if self._said_at:
            log.info("worker_recovered", worker=self.name, failures=self._failures)
        self._failures = 0
        self._said_at.clear()


def _describe(error: Exception) -> str:
    """Name an error by its kind and the place that raised it: the same cause reads the same."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f" {last.tb_frame.f_code.co_qualname}:{last.tb_lineno}" if last is not None else ""
    return f"{type(error).__name__}{where}"


class Workers:
    """All workers of this process; one scheduler wakes them at every tick.

    `heartbeats`: name → `monotonic` seconds of the last finished run, kept here.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        tick_seconds: float,
        monotonic: Callable[[], float],
        heartbeats: MutableMapping[str, float],
        wakeups: Wakeups,
    ) -> None:
        self.by_name = {worker.name: worker for worker in workers}
        self._tick = tick_seconds
        self._monotonic = monotonic
        self._wakeups = wakeups
        self._tasks: list[asyncio.Task[None]] = []
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self.heartbeats = heartbeats
        for worker in workers:
            worker.heartbeats = heartbeats
            wakeups.add(worker.name, worker.wake)

    def wake(self, *names: str) -> None:
        """Wake the named workers (all if none is named)."""
        self._wakeups.wake(*names)

    async def start(self) -> None:
        """Start all workers and the scheduler."""
        self.heartbeats.update({name: self._monotonic() for name in self.by_name})
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
