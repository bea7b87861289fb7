"""The version gate of one process: while tables are not of its version it rests, and at last it ends (XR2, FD12)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from backend.office.clock import Clock
from backend.ports.availability import Unavailable
from backend.ports.operations import GateStore

log = structlog.get_logger("operations")
LOOK_SECONDS = 0.5  # between two looks
PATIENCE_SECONDS = 600.0  # so long it waits to be admitted again before it ends, for newer code to be started instead
CODE = "version_gate"


async def _tell_nobody() -> None: ...


class VersionGate:
    """What this process knows of the gate. The database itself asks it inside each statement that takes work.

    `expired` is set when the process should end, after `on_expired`: it was not admitted for `PATIENCE_SECONDS`.
    """

    def __init__(
        self, store: GateStore, clock: Clock, on_expired: Callable[[], Awaitable[object]] = _tell_nobody
    ) -> None:
        self._store = store
        self._monotonic = clock.monotonic
        self._closed_at: float | None = None
        self._closed: Sequence[str] = ()
        self.expired = asyncio.Event()
        self._on_expired = on_expired

    def is_open(self) -> bool:
        """Whether the process was admitted to every part when it looked last."""
        return not self._closed

    def refuse_closed(self) -> None:
        """Raise Unavailable `version_gate` while the process is not admitted."""
        if self._closed:
            raise Unavailable(CODE)

    def while_open(self, work: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
        """Wrap a worker's work: it rests while the process is not admitted."""

        async def run() -> int:
            return await work() if self.is_open() else 0

        return run

    async def look(self) -> None:
        """Look once. A database that does not answer changes nothing: whoever needs it will say so."""
        try:
            closed = await self._store.list_closed()
        except Unavailable:
            closed = self._closed
        now = self._monotonic()
        if closed and self._closed_at is None:
            self._closed_at = now
            log.error("version_gate_closed", parts=list(closed))
        elif not closed and self._closed_at is not None:
            self._closed_at = None
            self.expired.clear()
            log.warning("version_gate_open")
        self._closed = closed
        if self._closed_at is not None and now - self._closed_at >= PATIENCE_SECONDS and not self.expired.is_set():
            await self._on_expired()
            self.expired.set()

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)
