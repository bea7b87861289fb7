"""Where short messages to callers wait, are sent, and where what they wrote back is found (S6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CallerText:
    """One text to the caller of a ticket. `two_way`: an answer is awaited until `next_at`."""

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
    """The shelf of texts to callers."""

    async def open(self, ticket_id: int, kind: str, round_: int, phone: str, masked: str, two_way: bool,
                   now: datetime) -> bool:  # fmt: skip
        """A text to be sent; False when that round had one already."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[CallerText]:
        """Texts to be sent, or whose answer is awaited no longer."""
        ...

    async def take(self, text_id: int, now: datetime, until: datetime) -> bool:
        """Take a pending one in hand before the carrier is asked; False when somebody was quicker."""
        ...

    async def settle(
        self, text_id: int, state: str, now: datetime, *, next_at: datetime | None = None,
        provider_id: str | None = None, error: str | None = None, cost: str | None = None,
    ) -> None:  # fmt: skip
        """How it went; `next_at`: to be looked at again then."""
        ...

    async def told(self, text_id: int, provider_id: str, status: str, error: str) -> bool:
        """A delivery report; False when there is no such text, or it is another one's."""
        ...

    async def awaiting(self, phone: str) -> CallerText | None:
        """The newest text to that number whose answer is still awaited."""
        ...

    async def answer(self, text_id: int, words: str, now: datetime) -> bool:
        """Keep what was written back, once."""
        ...

    async def of_ticket(self, ticket_id: int) -> Sequence[CallerText]:
        """Texts of a ticket, oldest first."""
        ...
