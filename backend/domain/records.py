"""The stored records: each dataclass is one row of one table, field for column."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.domain.ticket_enums import Category, Grade, Obligation, Outcome, Role, Source, State, UnitKind

#: Flags of a ticket (lifecycle §6.2): not states. The last is not stored among them: `Ticket.excluded` says it.
FLAGS = (
    "yellow",
    "red",
    "supervised",
    "mass_incident",
    "confidential",
    "hard_case",
    "suspected_repeat",
    "unreasonable",
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A node of the organisation tree (A2)."""

    code: str
    name: str
    kind: UnitKind
    region: str = ""
    parent: str | None = None
    province_department: bool = False
    active: bool = True
    chat_enabled: bool = True  # A38: the bot is on for this unit


@dataclass(frozen=True, slots=True)
class ChatAddress:
    """Where one network reaches a person: the live binding of that network."""

    network: str  # the driver's name, e.g. "telegram"
    user: str  # who they are on the network
    address: str  # where messages go (chat id)
    how: str  # code | phone | directory | sign_in
    since: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the office or a unit; the telephone number stays sealed in storage."""

    code: str
    name: str
    unit: str
    role: Role
    active: bool = True
    contact_order: int = 0  # order in which contacts are tried: handler, then deputy (A21)
    has_phone: bool = True
    chats: tuple[ChatAddress, ...] = ()  # live bindings in the order of use, one a network (domain/chat_order)
    preferred_chat: str | None = None  # the network they chose, bound or not
    key_name: str | None = None  # A37: their key to the three-level platform, by name
    key_authorised: bool = False  # A37: its mutual-aid module was authorised

    @property
    def chat(self) -> str | None:
        """The network that is used first; None without a chat."""
        return self.chats[0].network if self.chats else None

    @property
    def address(self) -> str | None:
        """Where the network that is used first reaches them."""
        return self.chats[0].address if self.chats else None

    def find_chat(self, network: str) -> ChatAddress | None:
        """Return where a network reaches them; None when they are not bound there."""
        return next((chat for chat in self.chats if chat.network == network), None)


@dataclass(frozen=True, slots=True)
class Ticket:
    """工单: a demand being handled. `version` counts its journal entries, `head` is the last entry's hash."""

    id: int
    ticket_no: str
    version: int
    journal_head: str
    state: State
    category: Category | None
    grade: Grade
    channel: str
    region: str
    management: str | None  # code of the institution that dispatches
    first_receiver: str | None  # A3: recorded once, never changed
    generated_at: datetime
    lead_id: int | None = None
    flags: frozenset[str] = frozenset()
    return_count: int = 0  # accepted returns so far (A19)
    requires_dispatch: bool = True
    has_phone: bool = False
    do_not_call: bool = False  # the requester asked not to be called (FW33)
    final_answer: str | None = None
    deemed_satisfied: bool = False
    unreasonable: bool = False  # recognised as unreasonable (T29)
    visit_round: int = 0
    rework_count: int = 0
    closed_at: datetime | None = None
    merged_into: int | None = None
    title: str = ""
    place: str = ""
    text: str = ""
    merged_count: int = 0  # tickets merged under this one (T4, Q23)
    phone_index: str | None = None  # blind index of the requester's number: same index, same requester
    files: tuple[tuple[str, int], ...] = ()  # each with the assignment it came with, 0: with the demand (XM6)

    @property
    def shown_flags(self) -> tuple[str, ...]:
        """The flags that people see, in the order of `FLAGS`: `unreasonable` is a demand recognised as such (XM28)."""
        flags = self.flags | ({"unreasonable"} if self.unreasonable else set())
        return tuple(name for name in FLAGS if name in flags)


@dataclass(frozen=True, slots=True)
class Assignment:
    """派发到一个单位的件: what one unit was given; the scored object. `version` counts its changes of state."""

    id: int
    ticket_id: int
    unit: str
    lead: bool
    state: State
    version: int
    dispatched_at: datetime
    dispatched_by: str
    sign_due_at: datetime
    close_due_at: datetime
    signed_at: datetime | None = None
    sign_method: str | None = None  # manual | auto
    signed_by: str | None = None
    opened_at: datetime | None = None
    contacted_at: datetime | None = None
    replied_at: datetime | None = None
    replied_by: str | None = None
    reply_text: str | None = None
    reply_way: str | None = None
    cause: str | None = None
    feedback: str | None = None
    close_type: str | None = None
    revisit_on: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    extension_count: int = 0
    red_card_at: datetime | None = None
    yellow_card_at: datetime | None = None
    ended_at: datetime | None = None  # returned, reassigned or cancelled

    @property
    def next_due_at(self) -> datetime:
        """What the unit is waited for next: its signature, then its closing."""
        return self.sign_due_at if self.state.is_unsigned else self.close_due_at


@dataclass(frozen=True, slots=True)
class Duty:
    """时限义务: start, due time, completion and outcome of one duty; `next_at` is when the clock checks it next."""

    id: int
    ticket_id: int
    assignment_id: int | None
    unit: str | None
    kind: Obligation
    grade: Grade
    start_at: datetime
    due_at: datetime
    check_at: datetime | None
    reminder_step: int = 0  # stages of the reminder ladder already done
    met_at: datetime | None = None
    outcome: Outcome | None = None
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request that another person decides: return, extension, explained close, flag, claim, appeal."""

    id: int
    ticket_id: int
    assignment_id: int | None
    unit: str | None
    kind: str
    asked_at: datetime
    asked_by: str
    timely: bool | None = None
    review_due_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    decision: str | None = None  # accepted | refused | withdrawn
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """回访: one conversation or attempt; the first valid answer of a round wins (FW22)."""

    id: int
    ticket_id: int
    assignment_id: int | None
    round: int
    kind: str  # auto | manual
    at: datetime
    by: str
    source: Source
    answer: str
    contacted: str | None = None
    resolved: str | None = None
    note: str = ""
    decisive: bool = False


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry of the journal: one move; unique by ticket and version, chained by hash."""

    id: int
    ticket_id: int
    version: int
    assignment_id: int | None
    verb: str
    from_state: str
    to_state: str
    by: str
    source: Source
    at: datetime  # event time: the planned instant for acts of the clock
    recorded_at: datetime
    arguments: Mapping[str, Any]
    prev_hash: str
    key_name: str  # of the key that made the hash
    hash: str


DIGEST_KIND = "daily_digest"


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one person through one channel, and its delivery state."""

    id: int
    kind: str  # M1 … M25, P1, P2, S1 …
    channel: str  # a chat network | phone | sms …
    person: str
    ticket_id: int | None
    assignment_id: int | None
    ticket_version: int  # version of the ticket that caused it
    urgent: bool
    not_before: datetime
    created_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    state: str = "pending"  # pending sending sent ambiguous failed dead skipped
    attempts: int = 0
    fallback_of: int | None = None  # the message this one replaces
    #: why it waits: "" at once, retry, throttle, quiet (a time when it may, or is planned to, come) or digest (XR1)
    waits_for: str = ""

    def __post_init__(self) -> None:
        """A message that is written for later waits for its hour, whatever becomes of the clock."""
        if not self.waits_for and self.not_before > self.created_at and not self.attempts:
            object.__setattr__(self, "waits_for", "digest" if self.kind == DIGEST_KIND else "quiet")
