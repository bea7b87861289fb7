"""Return visits: by call, by page, by text message, and news for requesters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

BY_TEXT = "sms"  # hands out the pages whose address goes with a text


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

    async def is_open(self, ticket_id: int, round_: int, now: datetime, *, besides: str = "") -> bool:
        """Return whether a page of this round is out that has not expired, `besides` those handed out by that one."""
        ...

    async def find(self, token: str) -> RatingPage | None:
        """Return the page of this secret."""
        ...


@dataclass(frozen=True, slots=True)
class RequesterText:
    """One text to the requester of a ticket.

    `two_way`: they may answer it by a text, `page`: on the page whose address it holds; until `next_at`.
    """

    id: int
    ticket_id: int
    ticket_no: str
    kind: str
    round: int
    to_masked: str
    two_way: bool
    state: str  # pending | sending | sent | ambiguous | failed
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    provider_id: str | None
    status: str | None
    error: str | None
    cost: str | None
    answered: str | None
    page: bool = False

    @property
    def is_question(self) -> bool:
        """Whether the visit waits for an answer to it."""
        return self.two_way or self.page


class RequesterTextStore(Protocol):
    """Stores texts to requesters."""

    async def enqueue(self, ticket_id: int, kind: str, round_: int, phone: str, masked: str, two_way: bool,
                   now: datetime, *, page: bool = False) -> bool:  # fmt: skip
        """Add a text to send; False if that round had one already."""
        ...

    async def list_due(self, now: datetime, limit: int) -> Sequence[RequesterText]:
        """List texts to send, or whose time for an answer is over."""
        ...

    async def claim(self, text_id: int, now: datetime, until: datetime) -> bool:
        """Claim a pending text before the carrier is asked; False if another process was faster."""
        ...

    async def settle(
        self, text_id: int, state: str, now: datetime, *, next_at: datetime | None = None,
        provider_id: str | None = None, error: str | None = None, cost: str | None = None,
    ) -> None:  # fmt: skip
        """Record the result of sending; `next_at`: check again then."""
        ...

    async def record_report(self, text_id: int, provider_id: str, status: str, error: str) -> bool:
        """Record a delivery report; False if there is no such text, or the id belongs to another one."""
        ...

    async def find_awaiting_answer(self, phone: str) -> RequesterText | None:
        """Return the newest text to that number that still awaits an answer."""
        ...

    async def record_answer(self, text_id: int, answer: str, now: datetime) -> bool:
        """Record the answer, once."""
        ...

    async def list_by_ticket(self, ticket_id: int) -> Sequence[RequesterText]:
        """List the texts of a ticket, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class RequesterNews:
    """A move of a ticket's lead unit that concerns its requester."""

    ticket_id: int
    version: int  # of the journal line: one text of a kind is sent for it
    verb: str
    arguments: Mapping[str, Any]  # as in the journal


class RequesterNewsStore(Protocol):
    """Finds news for requesters."""

    async def list_unsent(self, after: datetime, kinds: dict[str, str], limit: int) -> Sequence[RequesterNews]:
        """List moves recorded since then whose verb is in `kinds` (verb → kind of text) and that have no text yet."""
        ...
