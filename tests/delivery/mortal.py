"""A worker's process that can be killed between any two steps: nothing of it runs afterwards, no `finally` either."""

import asyncio
from typing import Any

from backend.delivery.worker import DeliveryWorker
from tests.delivery.world import FakeChannel, World


class Mortal:
    """Lives for so many steps; a step is the beginning or the end of anything that leaves the process."""

    def __init__(self, world: World, owner: str, steps: float, **arguments: Any) -> None:
        self.left = steps
        self.died = asyncio.Event()
        self.worker: DeliveryWorker = world.build_worker(
            owner, outbox=_Through(self, world.outbox), renderer=_Through(self, world.renderer),
            channel=_Line(self, world.channel), **arguments,
        )  # fmt: skip

    async def live(self) -> bool:
        """Work until nothing is due or death; whether it is still alive."""
        running, death = asyncio.create_task(self.worker.run_once()), asyncio.create_task(self.died.wait())
        await asyncio.wait((running, death), return_when=asyncio.FIRST_COMPLETED)
        if self.died.is_set():
            return False
        death.cancel()
        await running
        await self.worker.close()
        return True

    async def step(self) -> None:
        """Go on, or stop for ever."""
        self.left -= 1
        if self.left <= 0:
            self.died.set()
            await asyncio.Event().wait()


class _Through:
    """Hands every call on, with a step before and a step after it."""

    def __init__(self, process: Mortal, real: Any) -> None:
        self._process = process
        self._real = real

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **arguments: Any) -> Any:
            await self._process.step()
            result = await getattr(self._real, name)(*args, **arguments)
            await self._process.step()
            return result

        return call


class _Line(_Through):
    """A way to the network: the process may die before the request left, or before the answer was heard."""

    def __init__(self, process: Mortal, real: FakeChannel) -> None:
        super().__init__(process, real)
        self.name, self.can, self.buckets = real.name, real.can, real.buckets
