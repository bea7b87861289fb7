"""What has lain so long that the house acts by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from backend.domain.records import Letter


@dataclass(frozen=True, slots=True)
class Waiting:
    """An assignment that waits, and since when."""

    assignment_id: int
    ticket_id: int
    unit: str
    since: datetime


class OrderStore(Protocol):
    """The shelf of standing orders."""

    async def red_after(self, now: datetime, limit: int) -> Sequence[Waiting]:
        """Lead assignments with a red card, not closed, and not supervised since, oldest first."""
        ...

    async def unsatisfied_after(self, now: datetime, limit: int) -> Sequence[Waiting]:
        """Leads of tickets finalized as unsatisfied, with nothing pending and not supervised since, oldest first."""
        ...

    async def exposed_after(self, now: datetime, limit: int) -> Sequence[Waiting]:
        """Leads of tickets named by accepted ledger lines of exposure, not supervised since, and not being supervised."""
        ...

    async def look_again(self, day: date, limit: int) -> Sequence[Waiting]:
        """Explained closes whose day to look again has come, and of which nobody was told yet."""
        ...

    async def tell_once(self, one: Waiting, letters: Sequence[Letter]) -> bool:
        """Keep these letters unless the day was told already; whether any was kept."""
        ...
