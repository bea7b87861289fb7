"""One-time pages for rating: of which visit, until when; only a hash of the address is kept (XM30)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RatingPage:
    """A page that was handed out: for one round of visits of one ticket, to be answered before `expires_at`."""

    ticket_id: int
    round: int
    expires_at: datetime


class RatingPageStore(Protocol):
    """Stores pages; the secret part of an address is given once and found again only by its hash."""

    async def create(self, page: RatingPage, by: str, now: datetime) -> str:
        """Store a page that `by` hands out; return the secret part of its address: 22 characters, 128 bits."""
        ...

    async def is_open(self, ticket_id: int, round_: int, now: datetime) -> bool:
        """Return whether a page of this round is out that has not expired."""
        ...

    async def find(self, token: str) -> RatingPage | None:
        """Return the page of this secret."""
        ...
