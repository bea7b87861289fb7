"""The messages people hold, which ticket version they show, and which must be updated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class NewCard:
    """A message just sent; `shown` is the ticket version it shows."""

    channel: str
    address: str
    message_id: str
    person: str
    ticket_id: int
    assignment_id: int | None
    kind: str
    shown_version: int
    sent_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    replaces: bool = False  # earlier messages of this kind to this person about this assignment are updated


@dataclass(frozen=True, slots=True)
class HeldCard:
    """A message somebody holds. `wanted` runs ahead of `shown` until it is updated; `state` is live or gone."""

    id: int
    channel: str
    address: str
    message_id: str
    person: str
    ticket_id: int
    assignment_id: int | None
    kind: str
    shown_version: int
    target_version: int
    facts: Mapping[str, Any]
    sent_at: datetime
    state: str = "live"
    attempts: int = 0


class CardStore(Protocol):
    """Stores chat cards. Leases go by the database's clock (XR1)."""

    async def record(self, cards: Sequence[NewCard]) -> None:
        """Record sent messages; one is stale at once if the ticket changed while it was being sent."""
        ...

    async def find(self, channel: str, address: str, message_id: str) -> HeldCard | None:
        """Find the message that was answered or whose button was pressed."""
        ...

    async def list_by_assignment(self, assignment_id: int) -> list[HeldCard]:
        """List all live messages about an assignment, oldest first."""
        ...

    async def list_stale(self, channels: Sequence[str], now: datetime, limit: int) -> list[HeldCard]:
        """List live messages that show an older version than they should. Claims nothing."""
        ...

    async def claim(self, owner: str, ids: Sequence[int], lease: timedelta) -> list[HeldCard]:
        """Claim stale messages; skip those already claimed."""
        ...

    async def renew(self, owner: str, ids: Sequence[int], lease: timedelta) -> None:
        """Extend the leases of those of these messages that are still this owner's (XR7)."""
        ...

    async def mark_shown(self, card_id: int, owner: str, version: int) -> bool:
        """Record that the message shows that ticket version; False if it is no longer ours."""
        ...

    async def postpone(self, card_id: int, owner: str, not_before: datetime) -> bool:
        """Postpone the update until `not_before`."""
        ...

    async def mark_gone(self, card_id: int) -> None:
        """Mark a message that can no longer be changed (FT22)."""
        ...

    async def replace_address(self, channel: str, old: str, new: str) -> None:
        """Replace an address (FT21): live bindings follow, messages at the old address become gone."""
        ...

    async def get_requester_name(self, ticket_id: int) -> str | None:
        """Return the requester's name in clear text, only to be masked."""
        ...
