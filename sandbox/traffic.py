"""What is on the road in town at this moment, so that a story can wait until the road is empty."""

# ruff: noqa: ASYNC109 - patience in seconds is part of what these functions promise

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

QUIET_LOOKS = 4  # looks in a row that must find the road empty: a woken task needs a turn of the loop to enter it
LOOK_SECONDS = 0.01


class Traffic:
    """Counts deliveries and call steps in flight and owns the background tasks of the town."""

    def __init__(self) -> None:
        self._moving: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.others: list[Callable[[], str | None]] = []

    @contextmanager
    def moving(self, what: str) -> Iterator[None]:
        """Hold the road while `what` happens."""
        self._moving[what] += 1
        try:
            yield
        finally:
            self._moving[what] -= 1
            if not self._moving[what]:
                del self._moving[what]

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside everything else until it ends or the town closes."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def in_flight(self) -> list[str]:
        """Names of what is moving now; empty when the road is quiet."""
        return [*self._moving, *(word for look in self.others if (word := look()))]

    async def settle(self, timeout: float) -> None:
        """Wait until nothing moves; raises TimeoutError naming what still does after `timeout` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        quiet = 0
        while quiet < QUIET_LOOKS:
            await asyncio.sleep(LOOK_SECONDS)
            quiet = 0 if self.in_flight() else quiet + 1
            if loop.time() > deadline:
                raise TimeoutError(f"still moving after {timeout} s: {self.in_flight()}")

    async def close(self) -> None:
        """Stop every background task and wait for it to be gone."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
