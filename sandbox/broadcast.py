"""Wakes everything that waits for a change in the simulator."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Broadcast:
    """Wakes waiters and page listeners; `revision` grows with every change."""

    def __init__(self) -> None:
        self.revision = 0
        self.on_notify: Callable[[], None] | None = None
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Announce that something visible has changed."""
        self.revision += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
        if self.on_notify is not None:
            self.on_notify()

    async def wait(self, check: Callable[[], T | None], timeout: float | None) -> T:
        """Wait until `check()` returns something and return it. Raises TimeoutError after `timeout` real seconds."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(timeout):
            while (found := check()) is None:
                waiter: asyncio.Future[None] = loop.create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)
        return found
