"""What is kept beside calls: dead numbers, attempts as evidence, what calls cost; and the shelf that keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.ports.call_rows import Call


@dataclass(frozen=True, slots=True)
class DeadNumber:
    """A number the carrier will never ring, or that may not be rung (FW23, FW31); only its mask is shown."""

    key: str  # what names it when it is to be tried again
    masked: str
    code: str
    at: datetime
    person: str | None
    ticket_no: str | None


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt as evidence: whom it rang, when, and what came of it; `requester` is how a bridged second leg ended."""

    dial_id: int
    call_id: int
    at: datetime
    person: str | None
    outcome: str
    seconds: int = 0
    requester: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one unit's calls of one purpose came to: attempts, answered ones, seconds, and money by currency."""

    unit: str
    purpose: str
    dials: int
    answered: int
    seconds: int
    currency: str
    cost: str  # a decimal number; "0" where the carrier has told no price


class CallBooks(Protocol):
    """The books of whoever rings."""

    async def bridging(self, ticket_id: int) -> Call | None:
        """The bridge about this ticket that waits or is under way."""
        ...

    async def bridged(self, ticket_id: int) -> Sequence[Tried]:
        """All attempts to connect somebody with this requester, oldest first."""
        ...

    async def told(self, assignment_id: int) -> Sequence[Tried]:
        """All judged attempts to tell a unit of this assignment, oldest first."""
        ...

    async def hint(self, dial_id: int, answered_by: str) -> None:
        """Who the carrier believes has picked up; a hint, never a proof (FW19)."""
        ...

    async def bury(self, number: str, masked: str, code: str, at: datetime, call: Call) -> None:
        """This number is dead: nobody rings it again (FW23)."""
        ...

    async def dead(self, number: str) -> bool:
        """Whether it is."""
        ...

    async def dead_numbers(self, limit: int) -> Sequence[DeadNumber]:
        """The dead ones, newest first."""
        ...

    async def revive(self, key: str) -> bool:
        """It may be tried again; False when it was not dead."""
        ...

    async def try_tail(self, ticket_id: int, now: datetime, *, right: bool) -> bool:
        """Count a guess at a ticket's tail; False when there were too many of late, right or not (FW25)."""
        ...

    async def unreachable(self, assignment_id: int, dials: Sequence[int], at: datetime) -> bool:
        """A draft about this matter is about to be made; False when there was one (B46)."""
        ...

    async def spent(self, since: datetime, until: datetime) -> Sequence[Spent]:
        """What calls asked for in that time came to, by unit, purpose and currency."""
        ...
