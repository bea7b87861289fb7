"""Counts what is in flight in the simulator, so that tests can wait until nothing is."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

QUIET_POLLS = 4  # polls in a row that must find nothing: a woken task needs a turn of the loop to be counted
POLL_SECONDS = 0.01


class InFlight:
    """Counts deliveries and call steps in flight and owns the simulator's background tasks."""

    def __init__(self) -> None:
        self._active: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.probes: list[Callable[[], str | None]] = []

    @contextmanager
    def track(self, name: str) -> Iterator[None]:
        """Count `what` as in flight while inside."""
        self._active[name] += 1
        try:
            yield
        finally:
            self._active[name] -= 1
            if not self._active[name]:
                del self._active[name]

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in the background until it ends or the simulator closes."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def list_active(self) -> list[str]:
        """List the names of what is in flight now."""
        return [*self._active, *(name for probe in self.probes if (name := probe()))]

    async def settle(self, timeout: float) -> None:
        """Wait until nothing is in flight. Raises TimeoutError naming what still is after `timeout` seconds."""
        quiet = 0
        try:
            async with asyncio.timeout(timeout):
                while quiet < QUIET_POLLS:
                    await asyncio.sleep(POLL_SECONDS)
                    quiet = 0 if self.list_active() else quiet + 1
        except TimeoutError:
            raise TimeoutError(f"still moving after {timeout} s: {self.list_active()}") from None

    async def close(self) -> None:
        """Cancel every background task and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
