"""Wakes everything that waits for a change in the simulator."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Bell:
    """Wakes waiters and page listeners; `revision` grows with every change."""

    def __init__(self) -> None:
        self.revision = 0
        self.on_ring: Callable[[], None] | None = None
        self._sleepers: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Announce that something visible has changed."""
        self.revision += 1
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        self._sleepers.clear()
        if self.on_ring is not None:
            self.on_ring()

    async def wait(self, look: Callable[[], T | None], timeout: float | None) -> T:
        """Wait until `look()` returns something and return it. Raises TimeoutError after `timeout` real seconds."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            seen = look()
            if seen is not None:
                return seen
            sleeper: asyncio.Future[None] = loop.create_future()
            self._sleepers.add(sleeper)
            try:
                left = None if deadline is None else max(0.0, deadline - loop.time())
                await asyncio.wait_for(sleeper, left)
            finally:
                self._sleepers.discard(sleeper)
