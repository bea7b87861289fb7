"""Creates new tickets, and looks up what is known of their requesters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.ports.moves import NewTicket


@dataclass(frozen=True, slots=True)
class EarlierTicket:
    """An open ticket of the same requester."""

    phone_index: str
    category: str | None
    ticket_no: str


@dataclass(frozen=True, slots=True)
class KnownRequesters:
    """What is known of requesters, by the blind index of their numbers."""

    earlier: Sequence[EarlierTicket] = ()
    do_not_call: frozenset[str] = frozenset()  # asked not to be called (FW33)


class IntakeStore(Protocol):
    """Stores new tickets."""

    async def create(self, tickets: Sequence[NewTicket]) -> list[bool]:
        """Create tickets in one transaction; False for each number that already exists."""
        ...

    async def find_requesters(self, indices: Collection[str], since: datetime) -> KnownRequesters:
        """Return what is known of these requesters; only open tickets generated since then."""
        ...

    async def find_earlier_by_text(self, requesters: Collection[str], since: datetime) -> Sequence[EarlierTicket]:
        """Find open tickets, generated since then, of requesters without a number, matched by name and text."""
        ...

    async def find_taken_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        """Return those of the ticket numbers that are taken."""
        ...

    async def reserve_serials(self, day: str, count: int) -> range:
        """Reserve `count` serial numbers of a day."""
        ...
