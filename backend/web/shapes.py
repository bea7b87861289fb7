"""Shapes of what the serializers return, as the API's document shows them: tickets, files, units, people (XS12)."""

from typing import Annotated, Generic, NotRequired, TypeVar

from typing_extensions import TypedDict

from backend.domain.json_shapes import Day, Instant, one_of
from backend.domain.records import FLAGS
from backend.domain.ticket_enums import Answer, Category, Grade, Role, State, UnitKind
from backend.domain.verb_fields import CLOSE_TYPES
from backend.ports.platform import WritebackState
from backend.tickets.files import MIME

T = TypeVar("T")


class Listed(TypedDict):
    """What each page of a list says beside its items; `next` is the cursor of the following one."""

    next: str | None


class Page(Listed, Generic[T]):
    """One page of a list."""

    items: list[T]


class Items(TypedDict, Generic[T]):
    """A list without pages."""

    items: list[T]


class Assignment(TypedDict):
    """What one unit was given."""

    id: int
    unit: str
    lead: bool
    state: State
    version: int
    dispatched_at: Instant
    sign_due_at: Instant
    signed_at: Instant | None
    signed: Annotated[str, one_of(("manual", "auto"))] | None
    close_due_at: Instant
    closed_at: Instant | None
    extension_count: int
    red_card: bool
    ended_at: Instant | None
    contacted_at: Instant | None
    replied_at: Instant | None
    cause: str | None
    feedback: str | None
    close_type: Annotated[str, one_of(CLOSE_TYPES)] | None
    revisit_on: Day | None
    seconds_to_sign: int | None
    seconds_to_first_contact: int | None


class EarlierReply(TypedDict):
    """What was answered elsewhere before the ticket came in."""

    text: str
    at: str | None


class Sync(TypedDict):
    """What of a ticket still awaits the confirmation of the platform that holds the record."""

    state: WritebackState
    waiting: int
    since: Instant | None
    error: str | None


class Advice(TypedDict):
    """A hint on curt or blaming words to a requester."""

    code: str
    word: str
    message: str


class Ticket(TypedDict):
    """A ticket, its texts masked."""

    ticket_no: str
    state: State
    version: int
    category: Category | None
    grade: Grade
    channel: str
    region: str
    management: str | None
    place: str
    title: str
    text: str
    flags: list[Annotated[str, one_of(FLAGS)]]
    first_receiver: str | None
    generated_at: Instant
    submitted_at: Instant | None
    earlier_reply: EarlierReply | None
    closed_at: Instant | None
    final_answer: Annotated[str, one_of(Answer)] | None
    bounces: int
    repeats: int
    merged_into: str | None
    reviewed: bool
    assignments: list[Assignment]
    sync: NotRequired[Sync]
    advice: NotRequired[list[Advice]]


class File(TypedDict):
    """A stored file, without its content."""

    id: str
    name: str
    size: int
    sha256: str
    kind: Annotated[str, one_of(MIME)]
    at: Instant


class Unit(TypedDict):
    """A unit of the organisation."""

    code: str
    name: str
    kind: UnitKind
    region: str
    parent: str | None
    province_department: bool
    active: bool
    pilot: bool


class Person(TypedDict):
    """A person, never with their number."""

    code: str
    name: str
    unit: str
    role: Role
    active: bool
    rank: int
    has_phone: bool
    bound: str | None
    key_name: str | None
    key_authorised: bool


class PersonChat(TypedDict):
    """A live binding to one network; never the account itself."""

    network: str
    how: str
    since: Instant


class PersonWithChats(Person):
    """A person with their chats in the order of use."""

    preferred_chat: str | None
    chats: list[PersonChat]
