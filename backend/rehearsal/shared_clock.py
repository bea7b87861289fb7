"""Shares the simulated clock between processes; the one that moves it waits for the others."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from backend.office.clock import Clock
from backend.ports.availability import Unavailable
from backend.ports.ids import KeyValueStore
from backend.rehearsal.clock import SandboxClock

log = structlog.get_logger("clock")
CALL_KEY, ANSWER_KEY_PREFIX = "sandbox_call", "sandbox_seen:"
POLL_SECONDS = 0.05  # between polls of the shared clock
ALIVE_SECONDS = 6.0  # a process silent for longer is not waited for
WAIT_SECONDS = 20.0  # seconds the moving process waits for the others at one stop
MAX_TURNS = 5  # at most: work that one process creates for another is done in the next turn


class SharedClock:
    """One process's part in the shared clock. `settle` runs what is due here; `owner` identifies this process.

    Of `real` only what never moves is asked: real and monotonic seconds.
    """

    def __init__(
        self,
        clock: SandboxClock,
        real: Clock,
        key_values: KeyValueStore,
        owner: str,
        settle: Callable[[], Awaitable[int]],
    ) -> None:
        self._clock = clock
        self._real = real
        self._key_values = key_values
        self._owner = owner
        self._settle = settle
        self._moving = False

    async def settle(self) -> None:
        """Run what is due here and have every other process do the same, until no process creates work for another."""
        self._moving = True
        try:
            for _ in range(MAX_TURNS):
                worked = await self._settle()
                call = f"{self._owner}:{self._real.real_time()}"
                await self._key_values.put(CALL_KEY, call)
                elsewhere = await self._await_answers(call)
                if not (elsewhere or (worked and await self._read_answers())):
                    return
        finally:
            self._moving = False

    async def _await_answers(self, call: str) -> int:
        """Wait for the other processes and return how much they did; dead or stuck ones are not waited for."""
        until = self._real.monotonic() + WAIT_SECONDS
        while True:
            answers = await self._read_answers()
            if all(answered_call == call for answered_call, _ in answers) or self._real.monotonic() > until:
                return sum(worked for answered_call, worked in answers if answered_call == call)
            await asyncio.sleep(POLL_SECONDS)

    async def _read_answers(self) -> list[tuple[str, int]]:
        """For each other live process: the last call it answered, and how much it had to do."""
        found = await self._key_values.list_by_prefix(ANSWER_KEY_PREFIX)
        answers = [value.split("|") for name, value in found.items() if name != ANSWER_KEY_PREFIX + self._owner]
        return [
            (call, int(worked)) for call, at, worked in answers if self._real.real_time() - float(at) < ALIVE_SECONDS
        ]

    async def follow(self) -> None:
        """Follow the other processes until cancelled. An error is logged and the next poll tries again."""
        seen, reported_at, worked = "", 0.0, 0
        while True:
            try:
                call = await self._key_values.get(CALL_KEY) or ""
                fresh = call != seen and not call.startswith(f"{self._owner}:")
                if (await self._clock.catch_up() or fresh) and not self._moving:
                    worked = await self._settle()
                if fresh or self._real.monotonic() - reported_at > 1:
                    await self._key_values.put(
                        ANSWER_KEY_PREFIX + self._owner, f"{call}|{self._real.real_time()}|{worked}"
                    )
                    seen, reported_at = call, self._real.monotonic()
            except Unavailable:
                await asyncio.sleep(1)
            except Exception as error:  # the database may be away for a moment; real time goes on, so keep trying
                log.warning("shared_clock_failed", kind=type(error).__name__)
                await asyncio.sleep(1)
            await asyncio.sleep(POLL_SECONDS)
