"""Chat: what came in, open questions and drafts, cards that are kept up to date."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend.domain.records import Assignment, Request, Ticket


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A claimed update. `attempts` counts this one, so it is 1 at the first try."""

    id: int
    source: str
    external_id: str
    conversation: str
    body: str
    received_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Kept:
    """An update as stored: the number of its row, and whether it was new."""

    id: int
    is_new: bool


class InboxStore(Protocol):
    """The inbox of all sources. Leases and retries go by the database's clock: no host's, no moved one (XR1)."""

    async def receive(self, source: str, body: bytes) -> Kept:
        """Store an update, unless it is known. An unparsable one is stored as `unreadable` (FT7).

        Raises Unavailable `version_gate`: only code of another version may work here now (FD12).
        """
        ...

    async def claim(self, source: str, owner: str, limit: int) -> Sequence[InboxItem]:
        """Claim updates, each the oldest of its chat, so that a chat keeps its order (FT3)."""
        ...

    async def renew(self, owner: str) -> None:
        """Extend the leases of this owner; called several times per lease."""
        ...

    async def mark_done(self, ids: Collection[int]) -> None:
        """Mark updates as done."""
        ...

    async def mark_unreadable(self, item_id: int, error: str) -> None:
        """Mark an update that cannot be understood; it is kept, never retried."""
        ...

    async def record_failure(self, item_id: int, error: str) -> bool:
        """Retry later; True if it was tried often enough and is now dead (FT8)."""
        ...

    async def put_back(self, item_id: int) -> None:
        """Let it wait again, in a second at the earliest, as if it had not been claimed (XR13)."""
        ...

    async def answer(self, item_id: int, text: str) -> bool:
        """Store what a press is answered, for whoever holds the request open; False if it was answered before."""
        ...

    async def find_answer(self, item_id: int) -> str | None:
        """Return what a press was answered, None as long as it was not."""
        ...

    async def acquire_lease(self, name: str, owner: str, span: timedelta) -> bool:
        """Acquire or renew for `span` a lease that one process at a time may hold; False while another holds it (FT30)."""
        ...

    async def release_lease(self, name: str, owner: str) -> None:
        """Release a lease."""
        ...

    async def delete_done(self, before: datetime) -> int:
        """Delete what was done before that instant; return how many rows."""
        ...


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """The last question asked of a person: what is expected, about which row, and the messages that asked."""

    question: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TodoItem:
    """One assignment a unit still has open."""

    ticket: Ticket
    assignment: Assignment


class ChatStateStore(Protocol):
    """Stores chat state. None of it is business state: losing it costs no more than asking again."""

    async def load_draft(self, person: str, assignment_id: int, verb: str) -> dict[str, Any]:
        """Return the draft, {} if there is none."""
        ...

    async def save_draft(
        self, person: str, assignment_id: int, verb: str, words: Mapping[str, Any], now: datetime
    ) -> None:
        """Save a draft."""
        ...

    async def delete_draft(self, person: str, assignment_id: int, verb: str) -> None:
        """Delete a draft."""
        ...

    async def find_reply_assignment(self, person: str, message_id: str) -> int | None:
        """Return the assignment whose reply a person's message became (draft `said`), FT29."""
        ...

    async def save_question(
        self, channel: str, user_id: str, question: OpenQuestion, now: datetime, until: datetime
    ) -> None:
        """Remember the question, replacing the one before it."""
        ...

    async def find_question(self, channel: str, user_id: str, now: datetime) -> OpenQuestion | None:
        """Return the question still open, or None."""
        ...

    async def delete_question(self, channel: str, user_id: str) -> None:
        """Delete the question."""
        ...

    async def mark_opened(self, assignment_id: int, now: datetime) -> bool:
        """Record that the unit opened the assignment; True the first time (T5: no call if it was opened)."""
        ...

    async def get_request(self, request_id: int) -> Request | None:
        """Return a request that another person decides."""
        ...

    async def list_todo(self, unit: str, limit: int) -> tuple[int, Sequence[TodoItem]]:
        """Return how many assignments a unit has open, and the first due."""
        ...

    async def count_closed(self, unit: str, since: datetime) -> int:
        """Count the assignments a unit has closed since then."""
        ...


@dataclass(frozen=True, slots=True)
class NewCard:
    """A chat card to be stored: a message just sent, which shows this version of its ticket."""

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
    """A chat card as stored; its target version runs ahead of the shown one until it is updated. `state`: live or gone."""

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
