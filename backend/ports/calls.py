"""Where calls wait, are rung, and are remembered: one row a matter, one row each time it rings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.ticket import Category, Grade, State


@dataclass(frozen=True, slots=True)
class Subject:
    """The ticket (and assignment) a call is about, as it stands now; empty for a call about nothing yet."""

    ticket_no: str
    state: State
    category: Category | None
    grade: Grade
    management: str | None
    flags: frozenset[str]
    generated_at: datetime
    closed_at: datetime | None
    unit: str | None = None
    assignment_state: State | None = None
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    sign_due_at: datetime | None = None
    close_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One matter to ring about. `heard` is what was said so far, over all attempts; `tries` those that count."""

    id: int
    purpose: str  # notice | supervise | visit | inbound
    script: str
    state: str  # waiting | live | done
    letter_id: int | None
    ticket_id: int | None
    assignment_id: int | None
    person: str | None
    round: int
    urgent: bool
    tries: int
    dials: int
    next_at: datetime | None
    created_at: datetime
    phone_index: str | None
    position: str
    facts: Mapping[str, Any]
    heard: Mapping[str, Any]
    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """One attempt. `step` is the step awaited next, `said` what was said last; `outcome` None until it is judged."""

    id: int
    number: int
    state: str  # asking | placed | ambiguous | done
    provider_id: str | None
    status: str | None
    answered_by: str | None
    asked_at: datetime
    step: int
    said: Mapping[str, Any] | None
    keys: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Talk:
    """An attempt and the call it belongs to."""

    dial: Dial
    call: Call


@dataclass(frozen=True, slots=True)
class PhoneLetter:
    """A letter that is to be told by telephone, due now."""

    id: int
    kind: str
    person: str
    ticket_id: int | None
    assignment_id: int | None
    attempts: int
    urgent: bool
    facts: Mapping[str, Any]
    grade: Grade
    unit: str | None


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call about to be kept. With a letter, the letter is taken in hand in the same transaction."""

    purpose: str
    script: str
    next_at: datetime | None
    created_at: datetime
    letter_id: int | None = None
    ticket_id: int | None = None
    assignment_id: int | None = None
    person: str | None = None
    round: int = 0
    urgent: bool = False
    phone: str | None = None  # E.164; kept sealed, and as a blind index
    masked: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """What the carrier says of an attempt. `terminal`: nothing can follow, whatever arrives later (FW6)."""

    provider_id: str
    status: str
    terminal: bool
    at: datetime
    sequence: int | None = None
    answered_by: str = ""
    duration: int | None = None  # seconds
    error: str = ""
    cost: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the talk, to be kept before it is answered; counts only while `step` is the one awaited."""

    dial_id: int
    step: int
    at: datetime
    said: Mapping[str, Any]
    position: str
    heard: Mapping[str, Any]
    keys: str = ""
    provider_id: str = ""
    answered_by: str = ""
    recording: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt is judged, and what becomes of its call: another try at `next_at`, or done."""

    dial_id: int
    outcome: str
    at: datetime
    next_at: datetime | None = None
    counts: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True)
class WantedVisit:
    """A ticket whose automatic visit is due and not yet planned."""

    ticket_id: int
    ticket_no: str
    round: int
    lead_id: int | None
    urgent: bool


#: The owner written on a letter while it is rung for: such a letter is nobody else's to rescue.
OWNER = "calls"


class CallStore(Protocol):
    """The shelf of whoever rings."""

    # -- planning

    async def letters(self, now: datetime, limit: int) -> Sequence[PhoneLetter]:
        """Letters by telephone that are due, urgent first; takes none."""
        ...

    async def open(self, new: NewCall) -> int | None:
        """Keep a call; None when its letter is in other hands, or that visit is planned already."""
        ...

    async def wanted(self, limit: int) -> Sequence[WantedVisit]:
        """Tickets to be visited by machine for whose round no call was planned."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Call]:
        """Calls to be rung now, urgent first."""
        ...

    async def overdue(self, now: datetime, limit: int) -> Sequence[Talk]:
        """Attempts under way from which nothing was heard for too long."""
        ...

    async def postpone(self, call_id: int, next_at: datetime) -> bool:
        """A waiting call waits longer."""
        ...

    async def drop(self, call_id: int, at: datetime, outcome: str | None = None) -> bool:
        """A waiting call is no longer wanted; False when it waits no more."""
        ...

    # -- ringing

    async def begin(self, call_id: int, number: str, masked: str, now: datetime, look_at: datetime) -> int | None:
        """An attempt, durable before the carrier is asked (FW14): its id.

        None when somebody was quicker, or when that telephone is being rung about something else.
        """
        ...

    async def placed(self, dial_id: int, provider_id: str, look_at: datetime) -> bool:
        """The carrier took the call; False when its callbacks were quicker (FW16) or the id is another's."""
        ...

    async def doubtful(self, dial_id: int, error: str) -> None:
        """Nobody knows whether it rang."""
        ...

    async def look_again(self, dial_id: int, at: datetime) -> None:
        """Look after this attempt later."""
        ...

    async def known(self, provider_ids: Collection[str]) -> frozenset[str]:
        """Those of the carrier's ids that already belong to an attempt."""
        ...

    async def end(self, ending: Ending) -> bool:
        """Judge an attempt, once."""
        ...

    # -- talking

    async def talk(self, dial_id: int) -> Talk | None:
        """An attempt with its call and what it is about."""
        ...

    async def take_step(self, step: Step) -> bool:
        """Keep a step; False when another answer to it was kept already."""
        ...

    async def news(self, dial_id: int, news: News) -> bool:
        """What the carrier says; False for old news. Duration and cost are summed on the call."""
        ...

    async def unpaid(self, since: datetime, until: datetime, limit: int) -> Sequence[Talk]:
        """Attempts of that time which were spoken in, and whose price the carrier has not told."""
        ...

    async def pay(self, dial_id: int, cost: str) -> None:
        """The price of an attempt, "amount currency"; the call's sum grows with it."""
        ...

    async def record(self, dial_id: int, url: str) -> None:
        """Where the recording lies."""
        ...

    async def inbound(self, new: NewCall, provider_id: str) -> int:
        """An incoming call, already under way: the attempt's id; the same for the same carrier's id (FW7)."""
        ...

    # -- asking

    async def number_of(self, call_id: int) -> str | None:
        """The number last rung for a call, opened."""
        ...

    async def ticket_phone(self, ticket_id: int) -> str | None:
        """The requester's number, opened."""
        ...

    async def asked_since(self, at: datetime) -> int:
        """How many attempts were made since then."""
        ...

    async def visited(self, number: str, since: datetime, besides: int) -> Sequence[datetime]:
        """When that number was first rung for other visits since then, newest first."""
        ...

    async def refuse_visits(self, phone_index: str, at: datetime, call_id: int | None) -> None:
        """Never ring that number for a visit again (FW33)."""
        ...

    async def visits_refused(self, number: str) -> bool:
        """Whether its owner asked not to be rung."""
        ...

    async def missed(self, person: str) -> Call | None:
        """The newest call that told this person of a ticket which still waits for its signature."""
        ...

    async def pending_visit(self, number: str) -> Call | None:
        """The newest visit by machine to this number whose ticket still waits for an answer."""
        ...

    # -- what travels through the carrier

    def carry(self, dial_id: int, text: str) -> str:
        """Text sealed for a URL; only `carried` with the same dial opens it."""
        ...

    def carried(self, dial_id: int, sealed: str) -> str:
        """The text again; ValueError when it was sealed elsewhere."""
        ...
