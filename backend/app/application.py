"""The running application: its services, workers and adapters, and the simulator in a rehearsal."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.app.build_rehearsal import Settling
from backend.app.build_services import Built
from backend.app.config import Config
from backend.app.core import Core
from backend.app.workers import Workers
from backend.operations.clock_watch import ClockWatch
from backend.operations.storage_watch import StorageWatch
from backend.rehearsal.clock import ClockMover
from backend.rehearsal.shared_clock import SharedClock
from backend.services import Services

if TYPE_CHECKING:
    from bot.receive import InboxWorker
    from sandbox.simulator import Simulator


@dataclass(frozen=True)
class Rehearsal:
    """What only a rehearsal has; `shared_clock` where other processes may follow its clock."""

    simulator: "Simulator"
    clock: ClockMover
    shared_clock: SharedClock | None


@dataclass(frozen=True)
class Application:
    """A running application. `inbox_worker` None: no chat network is configured."""

    built: Built
    workers: Workers
    inbox_worker: "InboxWorker | None"
    settling: Settling
    rehearsal: Rehearsal | None

    async def settle(self) -> int:
        """Work until nothing is due, in flight or in conversation; return how much was done."""
        return await self.settling.settle()

    @property
    def config(self) -> Config:
        """Its configuration."""
        return self.core.config

    @property
    def core(self) -> Core:
        """What needs no secret."""
        return self.built.core

    @property
    def services(self) -> Services:
        """What adapters use."""
        return self.built.services

    @property
    def storage(self) -> StorageWatch:
        """The watch over the place where data are kept."""
        return self.built.operations.storage

    @property
    def clock_watch(self) -> ClockWatch:
        """The watch over the clock."""
        return self.built.operations.clock_watch

    @property
    def simulator(self) -> "Simulator | None":
        """The simulated networks of a rehearsal."""
        return self.rehearsal.simulator if self.rehearsal is not None else None
