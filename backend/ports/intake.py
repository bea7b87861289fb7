"""Where new tickets are kept, and what is already known of those who bring them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.ports.moves import NewTicket


@dataclass(frozen=True, slots=True)
class Earlier:
    """An open ticket of the same caller."""

    phone_index: str
    category: str | None
    no: str


@dataclass(frozen=True, slots=True)
class Callers:
    """What is known of callers, by the blind index of their numbers."""

    earlier: Sequence[Earlier] = ()
    not_to_be_rung: frozenset[str] = frozenset()  # asked not to be called (FW33)


class IntakeStore(Protocol):
    """The shelf of the intake."""

    async def create(self, tickets: Sequence[NewTicket]) -> list[bool]:
        """Keep new tickets in one transaction; False for a number that already exists."""
        ...

    async def callers(self, indices: Collection[str], since: datetime) -> Callers:
        """What is known of these callers; open tickets only when generated since then."""
        ...

    async def said_before(self, callers: Collection[str], since: datetime) -> Sequence[Earlier]:
        """Open tickets of callers without a number, known by their name and words, generated since then."""
        ...

    async def known(self, numbers: Collection[str]) -> frozenset[str]:
        """Those of the ticket numbers that are taken."""
        ...

    async def serials(self, day: str, count: int) -> range:
        """`count` serial numbers of a day that nobody else is given."""
        ...
