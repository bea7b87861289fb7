"""What is kept of calls: one row a matter, one row each time it rings, and what is written about either."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
