"""Visits: manual tasks, the do-not-call list, recordings, and counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class VisitRecord:
    """One visit or attempt as recorded."""

    kind: str  # auto | manual
    at: datetime
    by: str
    answer: str
    contacted: str | None
    resolved: str | None
    note: str


@dataclass(frozen=True, slots=True)
class VisitTask:
    """A ticket that waits for a manual visit (T25), with the answers so far; its number shows only as `phone_tail`."""

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
    urgent: bool  # words of danger were heard: the duty is urgent
    phone_tail: str | None
    do_not_call: bool
    requester: str | None
    heard: Mapping[str, Any]  # over all attempts of this round's automatic call
    recordings: tuple[int, ...]  # attempts of this round that have a recording
    visits: tuple[VisitRecord, ...]  # of this round, oldest first

    @property
    def answers(self) -> Mapping[str, Any]:
        """What the requester has answered without a person: to the calls, else by text or on a page."""
        last = next((a for a in reversed(self.visits) if a.kind == "auto" and a.contacted is not None), None)
        if last is None or self.heard.get("satisfaction"):
            return self.heard
        return {**self.heard, "contacted": last.contacted, "resolved": last.resolved, "satisfaction": last.answer}


@dataclass(frozen=True, slots=True)
class DoNotCallEntry:
    """One entry of the do-not-call list (FW33). `ref` identifies it; only the number's mask is known."""

    ref: str
    masked: str
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class VisitTally:
    """How many visits of one kind had this result, for one unit and visitor."""

    unit: str
    by: str
    kind: str
    answer: str
    decisive: bool
    deemed_satisfied: bool
    count: int


@dataclass(frozen=True, slots=True)
class CallTally:
    """How many visit calls of one unit had this outcome, with their costs ("amount currency" each)."""

    unit: str
    outcome: str
    calls: int
    attempts: int
    costs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording: its URL and what it is of."""

    url: str
    ticket_no: str | None
    purpose: str


class VisitStore(Protocol):
    """Stores what manual visits need."""

    async def list_tasks(self, limit: int) -> Sequence[VisitTask]:
        """List tickets that wait for a manual visit, first due first."""
        ...

    async def find_task(self, ticket_no: str) -> VisitTask | None:
        """Return one of them; None if it waits for no manual visit."""
        ...

    async def list_awaiting_result(self, limit: int) -> Sequence[str]:
        """List numbers of closed tickets whose result 12351 has not reported yet (Q45), oldest first."""
        ...

    async def list_blocked(self, limit: int) -> Sequence[DoNotCallEntry]:
        """List the do-not-call list, newest first."""
        ...

    async def block(self, phone: str, masked: str, reason: str, by: str, at: datetime) -> bool:
        """Never call that number for a visit; False if it was listed already."""
        ...

    async def unblock(self, *, ref: str = "", phone: str = "") -> str | None:
        """Remove an entry by `ref` or number; return its mask, None if there is none."""
        ...

    async def find_recording(self, attempt_id: int) -> Recording | None:
        """Return a recording; None if there is none or it was deleted."""
        ...

    async def count_visits(self, since: datetime, until: datetime) -> Sequence[VisitTally]:
        """Count visits made in that time."""
        ...

    async def count_calls(self, since: datetime, until: datetime) -> Sequence[CallTally]:
        """Count visit calls begun in that time."""
        ...
