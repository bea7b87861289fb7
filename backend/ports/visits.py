"""What people who visit need of the shelves: their tasks, who must not be visited, what was heard, and the counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Attempt:
    """One visit or attempt as it was written down."""

    kind: str  # auto | manual
    at: datetime
    by: str
    answer: str
    contacted: str | None
    resolved: str | None
    note: str


@dataclass(frozen=True, slots=True)
class Task:
    """A ticket that waits for a person's visit (T25), with what was heard so far; `phone_tail` alone is shown."""

    ticket_id: int
    ticket_no: str
    round: int
    category: str | None
    grade: str
    flags: frozenset[str]
    management: str | None
    unit: str | None
    generated_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    urgent: bool  # words of danger were heard: the duty is an urgent one
    phone_tail: str | None
    no_visit: bool
    requester: str | None
    heard: Mapping[str, Any]  # over all attempts of the machine's call of this round
    recordings: tuple[int, ...]  # attempts of this round of which a recording is kept
    visits: tuple[Attempt, ...]  # of this round, oldest first


@dataclass(frozen=True, slots=True)
class Blocked:
    """One line of the do-not-visit list (FW33). `ref` names it; the number is known by its mask only."""

    ref: str
    masked: str
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class VisitTally:
    """How often visits of one kind ended so, for one unit and visitor."""

    unit: str
    by: str
    kind: str
    answer: str
    final: bool
    deemed: bool
    count: int


@dataclass(frozen=True, slots=True)
class CallTally:
    """Visit calls of one unit that ended so, with what they cost ("amount currency" each)."""

    unit: str
    outcome: str
    calls: int
    dials: int
    costs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording: where it lies and what it is of."""

    url: str
    ticket_no: str | None
    purpose: str


class VisitStore(Protocol):
    """The shelf of those who visit."""

    async def tasks(self, limit: int) -> Sequence[Task]:
        """Tickets that wait for a person's visit, what is due first first."""
        ...

    async def task(self, ticket_no: str) -> Task | None:
        """One of them; None when it waits for no person."""
        ...

    async def awaited(self, limit: int) -> Sequence[str]:
        """Numbers of closed tickets whose result 12351 has not told yet (Q45), oldest first."""
        ...

    async def blocked(self, limit: int) -> Sequence[Blocked]:
        """The do-not-visit list, newest first."""
        ...

    async def block(self, phone: str, masked: str, reason: str, by: str, at: datetime) -> bool:
        """Never ring that number for a visit; False when it stood there already."""
        ...

    async def unblock(self, *, ref: str = "", phone: str = "") -> str | None:
        """Take a line off the list, by its name or its number: its mask; None when there is none."""
        ...

    async def recording(self, dial_id: int) -> Kept | None:
        """A kept recording; None when there is none or it was let go of."""
        ...

    async def visit_tallies(self, since: datetime, until: datetime) -> Sequence[VisitTally]:
        """Visits made in that time, counted."""
        ...

    async def call_tallies(self, since: datetime, until: datetime) -> Sequence[CallTally]:
        """Visit calls begun in that time, counted."""
        ...
