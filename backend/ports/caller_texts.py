"""Short messages to requesters: waiting, sent, and answered (S6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CallerText:
    """One text to the requester of a ticket. `two_way`: an answer is expected until `next_at`."""

    id: int
    ticket_id: int
    ticket_no: str
    kind: str
    round: int
    to_masked: str
    two_way: bool
    state: str  # pending | sending | sent | ambiguous | failed
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    provider_id: str | None
    status: str | None
    error: str | None
    cost: str | None
    answered: str | None


class CallerTextStore(Protocol):
    """Stores texts to requesters."""

    async def open(self, ticket_id: int, kind: str, round_: int, phone: str, masked: str, two_way: bool,
                   now: datetime) -> bool:  # fmt: skip
        """Add a text to send; False if that round had one already."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[CallerText]:
        """List texts to send, or whose time for an answer is over."""
        ...

    async def take(self, text_id: int, now: datetime, until: datetime) -> bool:
        """Claim a pending text before the carrier is asked; False if another process was faster."""
        ...

    async def settle(
        self, text_id: int, state: str, now: datetime, *, next_at: datetime | None = None,
        provider_id: str | None = None, error: str | None = None, cost: str | None = None,
    ) -> None:  # fmt: skip
        """Record the result of sending; `next_at`: check again then."""
        ...

    async def told(self, text_id: int, provider_id: str, status: str, error: str) -> bool:
        """Record a delivery report; False if there is no such text, or the id belongs to another one."""
        ...

    async def awaiting(self, phone: str) -> CallerText | None:
        """Return the newest text to that number that still awaits an answer."""
        ...

    async def answer(self, text_id: int, words: str, now: datetime) -> bool:
        """Record the answer, once."""
        ...

    async def of_ticket(self, ticket_id: int) -> Sequence[CallerText]:
        """List the texts of a ticket, oldest first."""
        ...
