"""Records of calls, of attempts and of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.ticket_enums import Category, Grade, State


@dataclass(frozen=True, slots=True)
class CallSubject:
    """The ticket (and assignment) a call is about, as it is now; empty for a call about nothing yet."""

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
    """One matter to call about. `heard` holds the answers over all attempts; `tries` the attempts that count."""

    id: int
    purpose: str  # notice | supervise | visit | inbound
    script: str
    state: str  # waiting | live | done
    outbox_id: int | None
    ticket_id: int | None
    assignment_id: int | None
    person: str | None
    round: int
    urgent: bool
    attempt_count: int
    attempts_made: int
    next_at: datetime | None
    created_at: datetime
    phone_index: str | None
    position: str
    facts: Mapping[str, Any]
    answers: Mapping[str, Any]
    subject: CallSubject | None = None
    outcome: str | None = None  # once it is done

    @property
    def grade(self) -> Grade:
        """How pressing it is: an urgent call may be about a general ticket (XM19)."""
        about = Grade.GENERAL if self.subject is None else self.subject.grade
        return Grade.URGENT if self.urgent else about


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One call attempt. `step` is the next expected step, `said` the last prompt; `outcome` None until settled."""

    id: int
    attempt_no: int
    state: str  # asking | placed | ambiguous | done
    provider_id: str | None
    status: str | None
    answered_by: str | None
    asked_at: datetime
    next_step: int
    last_prompt: Mapping[str, object] | None
    keys: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class LiveCall:
    """An attempt and the call it belongs to."""

    attempt: CallAttempt
    call: Call


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """A message to be delivered by telephone, due now."""

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
    """A call to be added. With a message, the message is claimed in the same transaction."""

    purpose: str
    script: str
    next_at: datetime | None
    created_at: datetime
    outbox_id: int | None = None
    ticket_id: int | None = None
    assignment_id: int | None = None
    person: str | None = None
    round: int = 0
    urgent: bool = False
    phone: str | None = None  # E.164; stored sealed, and as a blind index
    masked: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """A carrier's status report on an attempt. `terminal`: final, whatever arrives later (FW6)."""

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
class DialogueStep:
    """One step of the dialogue, recorded before it is answered; counts only while `step` is the expected one."""

    attempt_id: int
    step: int
    at: datetime
    prompt: Mapping[str, object]
    position: str
    answers: Mapping[str, object]
    keys: str = ""
    provider_id: str = ""
    answered_by: str = ""
    recording: str = ""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The outcome of an attempt, and what follows for its call: another attempt at `next_at`, or done."""

    attempt_id: int
    outcome: str
    at: datetime
    next_at: datetime | None = None
    counts: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True)
class DueVisit:
    """A ticket whose automatic visit is due and not yet planned."""

    ticket_id: int
    ticket_no: str
    round: int
    lead_id: int | None
    urgent: bool


#: The owner of a message while its call is handled: nobody else may release such a message.
CALLS_OWNER = "calls"


@dataclass(frozen=True, slots=True)
class InvalidNumber:
    """A number that cannot or may not be called (FW23, FW31); only its mask is shown."""

    key: str  # identifies it when it is to be tried again
    masked: str
    code: str
    at: datetime
    person: str | None
    ticket_no: str | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt as evidence: whom it called, when, its outcome; `requester` is that of a bridge's second leg."""

    attempt_id: int
    call_id: int
    at: datetime
    person: str | None
    outcome: str
    seconds: int = 0
    requester: str = ""


@dataclass(frozen=True, slots=True)
class CostTally:
    """What one unit's calls of one purpose add up to: attempts, answered ones, seconds, and cost by currency."""

    unit: str
    purpose: str
    attempts: int
    answered: int
    seconds: int
    currency: str
    cost: str  # a decimal number; "0" if the carrier has reported no price


@dataclass(frozen=True, slots=True)
class CallUsage:
    """What calls used: attempts, and minutes to be paid, each leg of a bridge by itself."""

    attempts: int
    minutes: int


class CallRecordStore(Protocol):
    """Stores bridges, evidence, invalid numbers and costs."""

    async def find_bridge(self, ticket_id: int) -> Call | None:
        """Return the bridge about this ticket that waits or is in progress."""
        ...

    async def list_bridge_attempts(self, ticket_id: int) -> Sequence[AttemptRecord]:
        """List all attempts to connect somebody with this requester, oldest first."""
        ...

    async def list_notice_attempts(self, assignment_id: int) -> Sequence[AttemptRecord]:
        """List all settled attempts to notify a unit of this assignment, oldest first."""
        ...

    async def record_answered_by(self, attempt_id: int, answered_by: str) -> None:
        """Record who the carrier believes has answered; a hint, never a proof (FW19)."""
        ...

    async def add_invalid_number(self, number: str, masked: str, code: str, at: datetime, call: Call) -> None:
        """Mark a number as invalid: nobody calls it again (FW23)."""
        ...

    async def is_invalid_number(self, number: str) -> bool:
        """Whether a number is marked invalid."""
        ...

    async def list_invalid_numbers(self, limit: int) -> Sequence[InvalidNumber]:
        """List invalid numbers, newest first."""
        ...

    async def remove_invalid_number(self, key: str) -> bool:
        """Allow a number to be tried again; False if it was not marked."""
        ...

    async def count_tail_guess(self, ticket_id: int, now: datetime, *, is_right: bool) -> bool:
        """Count a guess at a ticket's tail; False after too many recent guesses, right or not (FW25)."""
        ...

    async def claim_unreachable_draft(self, assignment_id: int, attempt_ids: Sequence[int], at: datetime) -> bool:
        """Claim the drafting of a ledger line about this matter; False if one was drafted (B46)."""
        ...

    async def sum_costs(self, since: datetime, until: datetime) -> Sequence[CostTally]:
        """Sum up calls asked for in that time by unit, purpose and currency."""
        ...
