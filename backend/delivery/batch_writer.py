"""Batches send results and asks: those that arrive during one write go into the next; a failed one is retried (G5)."""

import asyncio
import contextlib
from collections.abc import Sequence

import structlog

from backend.ports.availability import Unavailable
from backend.ports.outbox import Ask, OutboxStore, SendResult

log = structlog.get_logger("delivery")
BATCH_SIZE = 256  # results per write
MAX_TRIES = 40  # of what the database refuses, with pauses up to 5 s; one that is away is waited for to the end
MAX_PAUSE = 5.0  # seconds between two retries, unless woken


class BatchWriter:
    """Group commit of send results and asks. Nothing waits for a batch to fill: the first is written at once."""

    def __init__(self, store: OutboxStore) -> None:
        self._store = store
        self._waiting: list[tuple[SendResult | Ask, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._retries: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End all pauses between retries: the database serves again (XR6)."""
        self._woken.set()
        self._woken.clear()

    def put(self, item: SendResult | Ask) -> "asyncio.Future[bool]":
        """Write one result or ask, with all put before the loop's next turn; the future tells whether it was ours.

        It raises the database's error when retries run out.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return future

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH_SIZE], self._waiting[BATCH_SIZE:]
            try:
                kept: Sequence[bool] = await self._store.settle([s for s, _ in batch])
            except Exception as error:  # one bad row must not fail the others
                if not isinstance(error, Unavailable):
                    log.warning("batch_write_failed", messages=len(batch), error=type(error).__name__)
                for settlement, future in batch:
                    task = asyncio.create_task(self._write_alone(settlement, future))
                    self._retries.add(task)
                    task.add_done_callback(self._retries.discard)
                continue
            for (_, future), ok in zip(batch, kept, strict=True):
                if not future.done():
                    future.set_result(ok)

    async def _write_alone(self, result: SendResult | Ask, future: "asyncio.Future[bool]") -> None:
        refusals = tries = 0
        while not future.done():
            await self.pause(min(MAX_PAUSE, 0.1 * 2 ** min(tries, 8)))
            tries += 1
            try:
                kept = await self._store.settle([result])
            except Unavailable:
                continue
            except Exception as error:
                refusals += 1
                if refusals == MAX_TRIES and not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(kept[0])

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the database serves again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
