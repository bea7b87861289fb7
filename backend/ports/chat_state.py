"""Chat state: drafts, the last question asked of a person, and quick look-ups for the chat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.records import Assignment, Request, Ticket


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
