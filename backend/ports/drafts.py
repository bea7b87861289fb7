"""What a person has begun in chat, the question last put to him, and what a chat needs to look up quickly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.records import Assignment, Request, Ticket


@dataclass(frozen=True, slots=True)
class Expectation:
    """The question last put to somebody: what is awaited, about which row, and the messages that asked."""

    what: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Todo:
    """One assignment a unit still has in hand."""

    ticket: Ticket
    assignment: Assignment


class Drafts(Protocol):
    """The chat's shelf; nothing here is business state, it may be lost with nothing worse than asking again."""

    async def draft(self, person: str, assignment_id: int, verb: str) -> dict[str, Any]:
        """What was begun, {} when nothing was."""
        ...

    async def keep(self, person: str, assignment_id: int, verb: str, words: Mapping[str, Any], now: datetime) -> None:
        """Keep what was begun."""
        ...

    async def drop(self, person: str, assignment_id: int, verb: str) -> None:
        """It is done, or given up."""
        ...

    async def drafts_on(self, assignment_id: int, verb: str) -> Sequence[dict[str, Any]]:
        """What anybody has begun on an assignment."""
        ...

    async def said(self, person: str, message_id: str) -> int | None:
        """The assignment a person's message became the reply of (draft `said`), FT29."""
        ...

    async def expect(
        self, channel: str, user_id: str, expectation: Expectation, now: datetime, until: datetime
    ) -> None:
        """Remember the question; the one before it is forgotten."""
        ...

    async def expected(self, channel: str, user_id: str, now: datetime) -> Expectation | None:
        """The question still open."""
        ...

    async def forget(self, channel: str, user_id: str) -> None:
        """It was answered."""
        ...

    async def mark_opened(self, assignment_id: int, now: datetime) -> bool:
        """Somebody of the unit has looked at it; True the first time (T5: no call when it was opened)."""
        ...

    async def request(self, request_id: int) -> Request | None:
        """Something asked that another person decides."""
        ...

    async def todo(self, unit: str, limit: int) -> tuple[int, Sequence[Todo]]:
        """How many assignments a unit has in hand, and those due first."""
        ...

    async def closed_since(self, unit: str, since: datetime) -> int:
        """How many assignments a unit has closed since then."""
        ...
