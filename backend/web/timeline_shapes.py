"""Shapes of what happened to a ticket: moves, visits, messages, calls, duties, and the timeline of them all (XS12)."""

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from backend.domain.json_shapes import Instant, Shown, one_of
from backend.domain.move_table import BY_VERB
from backend.domain.ticket_enums import NETWORK_NAME, Answer, Contacted, Grade, Obligation, Outcome, Resolved, State
from backend.domain.verb_fields import VISIT_KINDS
from backend.web.shapes import Listed

DELIVERY_STATES = ("pending", "sending", "sent", "ambiguous", "failed", "dead", "skipped")
CALL_PURPOSES = ("notice", "supervise", "visit", "bridge", "inbound")
CALL_OUTCOMES = (
    "confirmed", "signed", "completed", "partial", "refused", "wrong_person", "no_reply", "machine", "busy",
    "no_answer", "failed", "carrier_failed",
)  # fmt: skip


class Delivery(TypedDict):
    """A message to one person, and its delivery."""

    id: int
    ticket: str | None
    assignment: int | None
    person: str
    channel: str
    kind: str
    state: Annotated[str, one_of(DELIVERY_STATES)]
    attempts: int
    urgent: bool
    created_at: Instant
    not_before: Instant
    sent_at: Instant | None
    provider_id: str | None
    error: str | None
    cost: str | None
    cause: int | None


class Dial(TypedDict):
    """One attempt of a call."""

    id: int
    call: int
    number: int
    state: str
    status: str | None
    answered_by: str | None
    ended_at: Instant | None
    duration: int | None
    outcome: str | None
    error: str | None
    keys: str
    answered_at: Instant | None
    cost: str | None
    recorded: bool
    script: str | None
    script_version: int | None


class Call(TypedDict):
    """A call; its number is masked."""

    id: int
    ticket: str | None
    assignment: int | None
    letter: int | None
    person: str | None
    to: str
    purpose: Annotated[str, one_of(CALL_PURPOSES)]
    attempts: int
    state: str
    outcome: str | None
    keys: str
    duration: int
    cost: str | None
    created_at: Instant
    ended_at: Instant | None


class CallWithDials(Call):
    """A call with its attempts."""

    dials: list[Dial]


Verb = Annotated[str, one_of(("create", "import", *BY_VERB))]
Before = Annotated[str, one_of(("", *State))]
After = Annotated[str, one_of(State)]
SourceWord = Annotated[str, Shown(pattern=f"^{NETWORK_NAME.pattern}$")]  # a `Source`, or a chat network's name
#: `words` are the arguments of the verb, masked; `from` is empty for the first move.
Move = TypedDict(
    "Move",
    {
        "verb": Verb, "from": Before, "to": After, "version": int, "assignment": int | None, "by": str, "source": SourceWord,
        "recorded_at": Instant, "words": dict[str, Any],
    },
)  # fmt: skip


class Visit(TypedDict):
    """A return visit, or an attempt at one."""

    id: int
    round: int
    kind: Annotated[str, one_of(VISIT_KINDS)]
    by: str
    source: SourceWord
    answer: Annotated[str, one_of(Answer)]
    contacted: Annotated[str, one_of(Contacted)] | None
    resolved: Annotated[str, one_of(Resolved)] | None
    note: str
    final: bool


class RequesterText(TypedDict):
    """A short message to the requester, and the reply."""

    id: int
    kind: str
    to: str
    round: int
    state: Annotated[str, one_of(DELIVERY_STATES)]
    status: str | None
    provider_id: str | None
    error: str | None
    cost: str | None
    answered: str | None


class Duty(TypedDict):
    """A duty with a time limit."""

    id: int
    kind: Obligation
    unit: str | None
    assignment: int | None
    grade: Grade
    due_at: Instant
    met_at: Instant | None
    outcome: Outcome | None


class MoveItem(Move):
    """A move in a timeline."""

    at: Instant
    type: Literal["move"]


class VisitItem(Visit):
    """A visit in a timeline."""

    at: Instant
    type: Literal["visit"]


class DeliveryItem(Delivery):
    """A message in a timeline, when it was sent."""

    at: Instant
    type: Literal["delivery"]


class CallItem(Call):
    """A call in a timeline."""

    at: Instant
    type: Literal["call"]


class DialItem(Dial):
    """A call's attempt in a timeline."""

    at: Instant
    type: Literal["dial"]


class TextItem(RequesterText):
    """A message to the requester in a timeline."""

    at: Instant
    type: Literal["text"]


class DutyItem(Duty):
    """A duty in a timeline, at its start."""

    at: Instant
    type: Literal["duty"]


class PageItem(TypedDict):
    """A page for rating in a timeline, when it was handed over; it can be answered before `until`."""

    at: Instant
    type: Literal["rating_page"]
    by: str
    until: Instant


TimelineItem = MoveItem | VisitItem | DeliveryItem | CallItem | DialItem | TextItem | PageItem | DutyItem


class Timeline(Listed):
    """Everything that happened to a ticket, oldest first."""

    items: list[TimelineItem]
