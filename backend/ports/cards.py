"""Which messages people hold, what they show, and which must be drawn again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class NewCard:
    """A message just sent; `shown` is the ticket version it was drawn from."""

    channel: str
    address: str
    message_id: str
    person: str
    ticket_id: int
    assignment_id: int | None
    kind: str
    shown: int
    sent_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    replaces: bool = False  # earlier messages of this kind to this person about this assignment are drawn again


@dataclass(frozen=True, slots=True)
class HeldCard:
    """A message somebody holds. `wanted` runs ahead of `shown` until it is drawn again; `state` live or gone."""

    id: int
    channel: str
    address: str
    message_id: str
    person: str
    ticket_id: int
    assignment_id: int | None
    kind: str
    shown: int
    wanted: int
    facts: Mapping[str, Any]
    sent_at: datetime
    state: str = "live"
    attempts: int = 0


class CardStore(Protocol):
    """The shelf of messages. `real` and leases are real time, not the office's movable clock."""

    async def record(self, cards: Sequence[NewCard]) -> None:
        """Remember messages; wanted runs ahead at once when the ticket moved on while they were sent."""
        ...

    async def find(self, channel: str, address: str, message_id: str) -> HeldCard | None:
        """The message that was answered or pressed."""
        ...

    async def of_assignment(self, assignment_id: int) -> list[HeldCard]:
        """All live messages about an assignment, oldest first."""
        ...

    async def stale(self, channels: Sequence[str], now: datetime, real: datetime, limit: int) -> list[HeldCard]:
        """Live messages that no longer show what they should. Claims nothing."""
        ...

    async def claim(self, owner: str, ids: Sequence[int], real: datetime, lease_until: datetime) -> list[HeldCard]:
        """Take stale messages in hand; those already taken are passed over."""
        ...

    async def shown(self, card_id: int, owner: str, version: int) -> bool:
        """It has been drawn from that ticket version; False when it had left our hands."""
        ...

    async def postpone(self, card_id: int, owner: str, not_before: datetime) -> bool:
        """Try again then."""
        ...

    async def gone(self, card_id: int) -> None:
        """It cannot be changed any more (FT22)."""
        ...

    async def moved(self, channel: str, old: str, new: str) -> None:
        """An address became another one (FT21): live bindings follow, messages of the old one are gone."""
        ...

    async def requester(self, ticket_id: int) -> str | None:
        """The requester's name, opened so that it can be masked; never shown."""
        ...
