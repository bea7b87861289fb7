"""Shares the simulated clock between processes; the one that moves it waits for the others."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from backend.sandbox_clock import SandboxClock

log = structlog.get_logger("clock")
CALL, SEEN = "sandbox_call", "sandbox_seen:"
LOOK_SECONDS = 0.05  # between polls of the shared clock
ALIVE_SECONDS = 6.0  # a process silent for longer is not waited for
PATIENCE = 20.0  # seconds the moving process waits for the others at one stop
TURNS = 5  # at most: work that one process creates for another is done in the next turn


class Values(Protocol):
    """Key-value store shared by all processes; implemented in storage/office/key_values.py."""

    async def get(self, name: str) -> str | None: ...
    async def list_by_prefix(self, prefix: str) -> Mapping[str, str]: ...
    async def put(self, name: str, value: str) -> None: ...


class CommonTime:
    """One process's part in the shared clock. `settle` runs what is due here; `owner` identifies this process."""

    def __init__(self, clock: SandboxClock, values: Values, owner: str, settle: Callable[[], Awaitable[int]]) -> None:
        self._clock = clock
        self._values = values
        self._owner = owner
        self._settle = settle
        self._moving = False

    async def settle(self) -> None:
        """Run what is due here and have every other process do the same, until no process creates work for another."""
        self._moving = True
        try:
            for _ in range(TURNS):
                worked = await self._settle()
                call = f"{self._owner}:{time.time()}"
                await self._values.put(CALL, call)
                elsewhere = await self._all_answered(call)
                if not (elsewhere or (worked and await self._others())):
                    return
        finally:
            self._moving = False

    async def _all_answered(self, call: str) -> int:
        """Wait for the other processes and return how much they did; dead or stuck ones are not waited for."""
        until = time.monotonic() + PATIENCE
        while True:
            answers = await self._others()
            if all(said == call for said, _ in answers) or time.monotonic() > until:
                return sum(worked for said, worked in answers if said == call)
            await asyncio.sleep(LOOK_SECONDS)

    async def _others(self) -> list[tuple[str, int]]:
        """For each other live process: the last call it answered, and how much it had to do."""
        found = await self._values.list_by_prefix(SEEN)
        said = [value.split("|") for name, value in found.items() if name != SEEN + self._owner]
        return [(call, int(worked)) for call, at, worked in said if time.time() - float(at) < ALIVE_SECONDS]

    async def follow(self) -> None:
        """Follow the other processes until cancelled. An error is logged and the next poll tries again."""
        seen, told, worked = "", 0.0, 0
        while True:
            try:
                call = await self._values.get(CALL) or ""
                fresh = call != seen and not call.startswith(f"{self._owner}:")
                if (await self._clock.catch_up() or fresh) and not self._moving:
                    worked = await self._settle()
                if fresh or time.monotonic() - told > 1:
                    await self._values.put(SEEN + self._owner, f"{call}|{time.time()}|{worked}")
                    seen, told = call, time.monotonic()
            except Exception as accident:  # the database may be away for a moment; real time goes on, so keep trying
                log.warning("shared_clock_failed", kind=type(accident).__name__)
                await asyncio.sleep(1)
            await asyncio.sleep(LOOK_SECONDS)
