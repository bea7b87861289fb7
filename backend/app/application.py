"""The running application, and how it settles before the clock of a rehearsal moves on."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backend.app.config import Config
from backend.app.core import Core
from backend.app.workers import Workers
from backend.calls.service import Calls
from backend.delivery.sms import SmsWorker
from backend.delivery.worker import DeliveryWorker
from backend.operations.alarms import AlarmTeller
from backend.operations.beats import Beats
from backend.operations.clock_watch import ClockWatch
from backend.operations.storage_watch import StorageWatch
from backend.services import Services
from backend.visits.automatic import AutoVisits
from storage.deadlines.due import SqlDueStore

if TYPE_CHECKING:
    from bot.receive import InboxWorker
    from sandbox.simulator import Simulator

CALL_WAIT_SECONDS = 2.0  # real seconds a rehearsal waits for calls over a real network
MAX_SETTLE_TURNS = 200  # turns after which a rehearsal that never settles is no longer waited for


@dataclass
class Application:
    """A running application: its stores, services and workers, and the simulator in a rehearsal."""

    config: Config
    core: Core
    services: Services
    workers: Workers
    due_work: SqlDueStore
    delivery: DeliveryWorker
    sms: SmsWorker
    automatic_visits: AutoVisits | None
    inbox_worker: "InboxWorker | None"
    calls: Calls | None
    beats: Beats
    alarms: AlarmTeller
    clock_watch: ClockWatch
    storage: StorageWatch
    simulator: "Simulator | None"
    process_token: str  # what commands on this machine sign in with while this process lives; never stored (XR12)
    long_calls: set[int] = field(default_factory=set)  # attempts a rehearsal no longer waits for

    async def settle(self) -> int:
        """Work until nothing is due, in flight or in conversation; return how much was done."""
        done = 0
        for _ in range(MAX_SETTLE_TURNS):
            worked = await self.workers.run_all_once()
            done += worked
            if self.simulator is not None:
                with contextlib.suppress(TimeoutError):
                    await self.simulator.settle()
                if self.simulator.uses_real_network:
                    worked += await self._wait_for_calls()
            if not worked and not await self.workers.run_all_once():
                break
        return done

    async def _wait_for_calls(self) -> int:
        """Let calls over a real network end before the clock moves on; return how many did.

        A call that lasts longer than TALK_SECONDS is not waited for again.
        """
        until = asyncio.get_running_loop().time() + CALL_WAIT_SECONDS
        before = waited = await self.due_work.list_live_attempts() - self.long_calls
        while waited and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
            waited &= await self.due_work.list_live_attempts()
        self.long_calls |= waited
        return len(before - waited)
