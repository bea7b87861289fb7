"""The rounds and their metronome: work that is woken by a nudge at once, or by the tick as a net."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger("rounds")
LONGEST_PAUSE = 30.0  # seconds between tries of a round that keeps failing
STUCK = 60.0  # seconds without a finished round after which the process is not ready (FS6)


class Round:
    """One kind of work. `work` handles what is due and answers how much that was."""

    def __init__(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        self.name = name
        self._work = work
        self._woken = asyncio.Event()
        self._lock = asyncio.Lock()
        self.finished_at = time.monotonic()
        self.failures = 0

    def nudge(self) -> None:
        """There is something to do now."""
        self._woken.set()

    async def once(self) -> int:
        """Work now; never twice at the same time in this process."""
        async with self._lock:
            self._woken.clear()
            handled = await self._work()
            self.finished_at = time.monotonic()
            self.failures = 0
            return handled

    async def forever(self) -> None:
        """Work whenever woken. An accident is logged and tried again; it never ends the round."""
        while True:
            await self._woken.wait()
            try:
                while await self.once() and not self._woken.is_set():
                    await asyncio.sleep(0)
            except Exception:  # the one door of a round: accidents are logged here and tried again
                self.failures += 1
                log.exception("round_failed", round=self.name, failures=self.failures)
                await asyncio.sleep(min(LONGEST_PAUSE, 0.2 * 2 ** min(self.failures, 8)))
                self._woken.set()

    def stuck(self) -> bool:
        """Whether no round was finished lately."""
        return time.monotonic() - self.finished_at > STUCK


class Rounds:
    """All rounds of this process, ticked by one scheduler that does nothing but wake them."""

    def __init__(self, rounds: Sequence[Round], tick_seconds: float) -> None:
        self.all = {r.name: r for r in rounds}
        self._tick = tick_seconds
        self._tasks: list[asyncio.Task[None]] = []
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def nudge(self, *names: str) -> None:
        """Wake these rounds (all of them if none is named)."""
        for name in names or self.all:
            if name in self.all:
                self.all[name].nudge()

    async def start(self) -> None:
        """Begin all rounds and the metronome."""
        self._tasks = [asyncio.create_task(r.forever(), name=f"round:{r.name}") for r in self.all.values()]
        self._scheduler.add_job(
            self.nudge, "interval", seconds=self._tick, coalesce=True, max_instances=1, misfire_grace_time=None
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

    async def settle(self, limit: int = 10_000) -> None:
        """Work until nothing more is due now (the sandbox clock and the stories wait for this)."""
        for _ in range(limit):
            if not sum([await r.once() for r in self.all.values()]):
                return

    def stuck(self) -> list[str]:
        """Names of rounds that no longer turn."""
        return [name for name, r in self.all.items() if r.stuck()]
