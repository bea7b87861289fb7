"""Watches a database that has failed somebody: pings it, says so once, and wakes everybody when it serves again (XR6)."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from backend.office.clock import Clock
from backend.ports.availability import Unavailable

log = structlog.get_logger("outage")
PING_SECONDS = 0.5  # between two pings
LINE_SECONDS = 30.0  # between two lines about one outage, and between the beginnings of two that are said


class WatchedDatabase(Protocol):
    """What a watch needs of a database."""

    is_away: bool

    async def ping(self) -> None:
        """Ask for as little as possible by the ways all work takes. Raises what the engine raises."""
        ...

    def explain(self, error: Exception) -> str | None:
        """Return the cause by which an error makes the database unavailable; None for any other."""
        ...


class OutageWatch:
    """One a process; it costs nothing while the database serves.

    `serving_again` is called when it serves again: it ends every back-off, so that nobody waits longer than for a ping
    (XR6, G29). Only the watch speaks of an outage: a line at its begin with one traceback, one each 30 s, one at its
    end. Who meets `Unavailable` elsewhere keeps silent.
    """

    def __init__(self, database: WatchedDatabase, clock: Clock, serving_again: Callable[[], None]) -> None:
        self._serving_again = serving_again
        self._database = database
        self._monotonic = clock.monotonic
        self._task: asyncio.Task[None] | None = None
        self._refused = 0  # how often somebody was refused in this outage
        self._said_at = -LINE_SECONDS

    def note(self, trouble: Unavailable) -> None:
        """Note that the database failed somebody; the first one begins the watch."""
        self._refused += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(trouble), name="outage_watch")

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self, trouble: Unavailable) -> None:
        began = self._monotonic()
        is_said = self._may_speak()
        if is_said:
            log.error("database_unavailable", cause=trouble.cause, exc_info=trouble)
        try:
            while not await self._serves():
                if self._may_speak():
                    log.warning("database_still_unavailable", cause=trouble.cause, **self._measure(began))
                    is_said = True
                await asyncio.sleep(PING_SECONDS)
        finally:
            self._database.is_away = False
        if is_said:
            log.warning("database_serves_again", cause=trouble.cause, **self._measure(began))
        self._refused = 0
        self._serving_again()

    async def _serves(self) -> bool:
        try:
            await self._database.ping()
        except Exception as error:
            # a pool that is full or a lock leaves others a way; a database that is away leaves none
            self._database.is_away = self._database.explain(error) == "away"
            return False
        return True

    def _may_speak(self) -> bool:
        now = self._monotonic()
        if now - self._said_at < LINE_SECONDS:
            return False
        self._said_at = now
        return True

    def _measure(self, began: float) -> dict[str, float]:
        return {"seconds": round(self._monotonic() - began, 1), "refused": self._refused}
