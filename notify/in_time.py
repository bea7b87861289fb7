"""Answers a webhook within its time: slow work goes on, and the sender is told to come again."""

import asyncio
from collections.abc import Coroutine
from typing import Protocol, TypeVar

from notify.driver import HookRefused, HostAway

T = TypeVar("T")


class WorkHost(Protocol):
    """What is asked of our own side about any work."""

    def is_open(self) -> bool: ...
    def log_failure(self, error: BaseException) -> None: ...


class InTime:
    """Runs the work of webhooks."""

    def __init__(self, host: WorkHost) -> None:
        self._host = host
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self, work: Coroutine[None, None, T], seconds: float) -> T | None:
        """Return the work's result, None if it is slow, fails or may not be done now; slow work goes on.

        HookRefused is raised.
        """
        if (
            not self._host.is_open()
        ):  # said as for a database that is away: the carrier asks again, maybe another process
            work.close()
            return None
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            return None
        error = task.exception()
        if isinstance(error, HookRefused):
            raise error
        return None if error is not None else task.result()

    async def store(self, work: Coroutine[None, None, None], seconds: float) -> bool:
        """Run work that returns nothing; whether it was done."""

        async def stored() -> bool:
            await work
            return True

        if not self._host.is_open():
            work.close()
            return False
        return bool(await self.run(stored(), seconds))

    def _finish(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, HookRefused | HostAway):
            self._host.log_failure(error)
