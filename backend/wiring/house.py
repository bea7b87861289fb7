"""The running application, and how it settles before the clock of a rehearsal moves on."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backend.calls.service import Calls
from backend.environment import Environment
from backend.rooms import Rooms
from backend.rounds import Rounds
from backend.shelves import Shelves
from storage.deadlines.due import SqlDueStore

if TYPE_CHECKING:
    from bot.receive import InboxWorker
    from sandbox.town import Town

TALK_SECONDS = 2.0  # real seconds a rehearsal waits for calls over a real network
SETTLE_TURNS = 200  # turns after which a rehearsal that never settles is no longer waited for


@dataclass
class House:
    """A running application: its stores, services and workers, and the simulator in a rehearsal."""

    environment: Environment
    shelves: Shelves
    rooms: Rooms
    rounds: Rounds
    due: SqlDueStore
    door: "InboxWorker | None"
    calls: Calls | None
    town: "Town | None"
    token: str  # this run's admin API key
    long_talks: set[int] = field(default_factory=set)  # attempts a rehearsal no longer waits for

    async def settle(self) -> int:
        """Work until nothing is due, in flight or in conversation; return how much was done."""
        done = 0
        for _ in range(SETTLE_TURNS):
            worked = await self.rounds.turn()
            done += worked
            if self.town is not None:
                with contextlib.suppress(TimeoutError):
                    await self.town.settle()
                if self.town.shared:
                    worked += await self._rung_out()
            if not worked and not await self.rounds.turn():
                break
        return done

    async def _rung_out(self) -> int:
        """Let calls over a real network end before the clock moves on; return how many did.

        A call that lasts longer than TALK_SECONDS is not waited for again.
        """
        until = asyncio.get_running_loop().time() + TALK_SECONDS
        before = waited = await self.due.list_live_attempts() - self.long_talks
        while waited and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
            waited &= await self.due.list_live_attempts()
        self.long_talks |= waited
        return len(before - waited)
