"""Where what was heard is kept until it is done: once per event, in order per chat, whoever works on it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Heard:
    """One update in hand. `attempts` counts this one, so it is 1 at the first try."""

    id: int
    mouth: str
    event: str
    chat: str
    body: str
    received_at: datetime
    attempts: int


class Inbox(Protocol):
    """The inbox of all mouths. Instants are wall time: a moved sandbox clock shortens no lease."""

    async def hear(self, mouth: str, body: bytes) -> bool:
        """Keep an update; False when it was heard before. What cannot be read is kept as `unreadable` (FT7)."""
        ...

    async def claim(self, mouth: str, owner: str, limit: int, now: datetime) -> Sequence[Heard]:
        """Take updates in hand, each the oldest of its chat, so that a chat keeps its order (FT3)."""
        ...

    async def renew(self, owner: str, now: datetime) -> None:
        """Hold on to all that this owner has in hand; asked several times within a lease."""
        ...

    async def done(self, ids: Collection[int]) -> None:
        """They have had their effect."""
        ...

    async def unreadable(self, heard_id: int, error: str) -> None:
        """Nobody can make sense of it; kept, never tried again."""
        ...

    async def failed(self, heard_id: int, error: str, now: datetime) -> bool:
        """Try again later; True when it has been tried often enough and is now a dead letter (FT8)."""
        ...

    async def lead(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        """Hold a lease that one process at a time may hold; False while another holds it (FT30)."""
        ...

    async def release(self, name: str, owner: str) -> None:
        """Give a lease back."""
        ...

    async def recover(self) -> int:
        """At the start: where one process owns the database, leases of the one before it are over; how many."""
        ...

    async def sweep(self, before: datetime) -> int:
        """Forget what was done before that instant; how many rows that were."""
        ...
