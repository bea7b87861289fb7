"""The outbox: messages wait, are claimed under a lease, and are settled only by the worker that still holds them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend.domain.records import Message
from backend.ports.cards import NewCard


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A due message, reduced to what a queue needs."""

    id: int
    kind: str
    channel: str
    person: str
    urgent: bool
    ticket_id: int | None
    assignment_id: int | None


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message claimed under a lease. `message.attempts` counts this attempt; `doubts` counts possible copies."""

    message: Message
    owner: str
    uncertain_sends: int = 0


@dataclass(frozen=True, slots=True)
class AuditNote:
    """An audit row to write in the same transaction (table `audit`)."""

    at: datetime
    actor: str
    event: str
    subject: str | None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of an attempt; written only while id, owner and attempt still match (FM4, FM15).

    `state` is sent, ambiguous, failed, dead, skipped, or pending with `not_before` for a retry; `doubt` counts a
    possible copy. `card`, `letters` and `notes` are written in the same transaction, or not at all.
    """

    id: int
    owner: str
    attempt: int
    state: str
    at: datetime
    not_before: datetime | None = None
    error: str | None = None
    provider_id: str | None = None
    address: str | None = None
    cost: str | None = None
    is_uncertain: bool = False
    card: NewCard | None = None
    messages: tuple[Message, ...] = ()
    notes: tuple[AuditNote, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageDelivery:
    """A message and its delivery state, for the timeline."""

    message: Message
    sent_at: datetime | None = None
    provider_id: str | None = None
    address: str | None = None
    error: str | None = None
    cost: str | None = None


class OutboxStore(Protocol):
    """Stores messages for the delivery worker and the dialer. Leases go by the database's clock, not the office's or a host's (XR1)."""

    async def add(self, messages: Sequence[Message], notes: Sequence[AuditNote] = ()) -> None:
        """Add messages and audit rows in one transaction."""
        ...

    async def get(self, outbox_id: int) -> MessageDelivery | None:
        """Return one message, or None."""
        ...

    async def find_next_send(self, kind: str, channel: str, person: str) -> datetime | None:
        """Return when the first waiting message of this kind to this person may be sent; None if none waits."""
        ...

    async def list_waiting(
        self, channels: Collection[str], now: datetime, limit: int, *, urgent: bool = False
    ) -> list[WaitingMessage]:
        """List due messages, urgent first, then by `not_before`; `urgent` lists only those. Claims nothing."""
        ...

    async def claim(
        self,
        owner: str,
        channels: Collection[str],
        now: datetime,
        limit: int,
        lease: timedelta,
        ids: Sequence[int] | None = None,
    ) -> list[ClaimedMessage]:
        """Claim due messages, urgent first (or just these ids); skip those already claimed."""
        ...

    async def renew(self, claimed: ClaimedMessage, lease: timedelta) -> bool:
        """Extend the lease of a message; False if it is no longer ours (FM5)."""
        ...

    async def settle(self, results: Sequence[SendResult]) -> list[bool]:
        """Write results; False for each message no longer ours (nothing of its result is written)."""
        ...

    async def release_expired(
        self, channels: Collection[str], now: datetime, max_attempts: int
    ) -> list[ClaimedMessage]:
        """Release messages whose lease expired, to be sent again as a second copy.

        Those already tried `most` times become dead (FM7) and are returned.
        """
        ...

    async def postpone(
        self, channel: str, persons: Collection[str], until: datetime, except_kinds: Collection[str]
    ) -> None:
        """Postpone messages to these persons on this channel until `until` (FT17), except kinds in `spare`."""
        ...

    async def bring_forward(self, outbox_id: int, not_before: datetime) -> bool:
        """Make a waiting message due earlier; False if it no longer waits."""
        ...

    async def give_up(
        self, outbox_id: int, error: str, messages: Sequence[Message], notes: Sequence[AuditNote]
    ) -> bool:
        """Mark a message failed and add its replacements; False if that was done before."""
        ...

    async def list_by_assignment(self, ticket_id: int | None, assignment_id: int | None) -> list[MessageDelivery]:
        """List all messages about an assignment (or about the ticket itself), oldest first."""
        ...

    async def list_by_ticket(self, ticket_id: int) -> list[MessageDelivery]:
        """List all messages of a ticket, oldest first."""
        ...
