"""Counts what is in flight in the simulator, so that tests can wait until nothing is."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

QUIET_LOOKS = 4  # polls in a row that must find nothing: a woken task needs a turn of the loop to be counted
LOOK_SECONDS = 0.01


class Traffic:
    """Counts deliveries and call steps in flight and owns the simulator's background tasks."""

    def __init__(self) -> None:
        self._moving: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.others: list[Callable[[], str | None]] = []

    @contextmanager
    def moving(self, what: str) -> Iterator[None]:
        """Count `what` as in flight while inside."""
        self._moving[what] += 1
        try:
            yield
        finally:
            self._moving[what] -= 1
            if not self._moving[what]:
                del self._moving[what]

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in the background until it ends or the simulator closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def in_flight(self) -> list[str]:
        """List the names of what is in flight now."""
        return [*self._moving, *(word for look in self.others if (word := look()))]

    async def settle(self, timeout: float) -> None:
        """Wait until nothing is in flight. Raises TimeoutError naming what still is after `timeout` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        quiet = 0
        while quiet < QUIET_LOOKS:
            await asyncio.sleep(LOOK_SECONDS)
            quiet = 0 if self.in_flight() else quiet + 1
            if loop.time() > deadline:
                raise TimeoutError(f"still moving after {timeout} s: {self.in_flight()}")

    async def close(self) -> None:
        """Cancel every background task and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
