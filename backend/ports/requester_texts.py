"""Short messages to requesters: waiting, sent, and answered (S6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RequesterText:
    """One text to the requester of a ticket.

    `two_way`: they may answer it by a text, `page`: on the page whose address it holds; until `next_at`.
    """

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
    page: bool = False

    @property
    def is_question(self) -> bool:
        """Whether the visit waits for an answer to it."""
        return self.two_way or self.page


class RequesterTextStore(Protocol):
    """Stores texts to requesters."""

    async def enqueue(self, ticket_id: int, kind: str, round_: int, phone: str, masked: str, two_way: bool,
                   now: datetime, *, page: bool = False) -> bool:  # fmt: skip
        """Add a text to send; False if that round had one already."""
        ...

    async def list_due(self, now: datetime, limit: int) -> Sequence[RequesterText]:
        """List texts to send, or whose time for an answer is over."""
        ...

    async def claim(self, text_id: int, now: datetime, until: datetime) -> bool:
        """Claim a pending text before the carrier is asked; False if another process was faster."""
        ...

    async def settle(
        self, text_id: int, state: str, now: datetime, *, next_at: datetime | None = None,
        provider_id: str | None = None, error: str | None = None, cost: str | None = None,
    ) -> None:  # fmt: skip
        """Record the result of sending; `next_at`: check again then."""
        ...

    async def record_report(self, text_id: int, provider_id: str, status: str, error: str) -> bool:
        """Record a delivery report; False if there is no such text, or the id belongs to another one."""
        ...

    async def find_awaiting_answer(self, phone: str) -> RequesterText | None:
        """Return the newest text to that number that still awaits an answer."""
        ...

    async def record_answer(self, text_id: int, answer: str, now: datetime) -> bool:
        """Record the answer, once."""
        ...

    async def list_by_ticket(self, ticket_id: int) -> Sequence[RequesterText]:
        """List the texts of a ticket, oldest first."""
        ...
