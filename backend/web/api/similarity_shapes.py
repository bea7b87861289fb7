"""Shapes of what the API tells of similar tickets, suggestions, the dispatch catalogue and its figures (XS12)."""

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from backend.domain.json_shapes import Amount, Day, Instant, Month, one_of
from backend.domain.ticket_enums import Category
from backend.ports.triage import GROUP_BY
from backend.web.shapes import Listed


class Similar(TypedDict):
    """A similar ticket, and in words why it is."""

    ticket_no: str
    state: str
    title: str
    category: str | None
    region: str
    unit: str | None
    closed: bool
    generated_at: Instant
    score: float
    same_caller: bool
    shared: list[str]
    repeat: bool
    why: str


class SuggestionReason(TypedDict):
    """Why a unit is suggested: the facts of its kind, and all in words."""

    kind: Annotated[str, one_of(("catalogue", "closed", "open", "returned"))]
    text: str
    row: NotRequired[int]
    keywords: NotRequired[list[str]]
    category: NotRequired[str | None]
    region: NotRequired[str]
    basis: NotRequired[str]
    tickets: NotRequired[list[str]]
    count: NotRequired[int]


class Suggestion(TypedDict):
    """A unit to dispatch to, and why."""

    unit: str
    name: str
    score: float
    reasons: list[SuggestionReason]


class Entry(TypedDict):
    """An entry of the dispatch catalogue."""

    id: int
    unit: str
    category: Annotated[str, one_of(Category)] | None
    keywords: list[str]
    region: str
    basis: str
    valid_from: Day | None
    valid_to: Day | None


class RemovedEntry(TypedDict):
    """The entry that was removed."""

    removed: int


DaySpan = TypedDict("DaySpan", {"from": Day, "to": Day})


class Misses(TypedDict):
    """Wrong dispatches of one group, and their per cent of its dispatches."""

    name: str
    dispatches: int
    returned: int
    reassigned: int
    rate: Amount | None


class MissesOfSpan(Listed, DaySpan):
    """派单准确性 between two days."""

    items: list[Misses]
    by: Annotated[str, one_of(GROUP_BY)]


class Repeats(TypedDict):
    """Repeats of one unit in one month, and their per cent of its tickets."""

    unit: str
    month: Month
    tickets: int
    repeats: int
    rate: Amount


class RepeatsOfSpan(Listed, DaySpan):
    """Repeats between two days."""

    items: list[Repeats]


class Topic(TypedDict):
    """A topic: how often now and in as many days before, its growth in per cent, its newest tickets."""

    name: str
    count: int
    before: int
    growth: Amount | None
    tickets: list[str]


class Group(TypedDict):
    """A group of similar tickets."""

    about: list[str]
    count: int
    units: list[str]
    tickets: list[str]


class HotTopics(DaySpan):
    """热点 between two days; `before` is where the compared days begin, `cut`: there were too many tickets to read."""

    before: Day
    total: int
    total_before: int
    categories: list[Topic]
    topics: list[Topic]
    places: list[Topic]
    groups: list[Group]
    cut: bool


class Member(TypedDict):
    """A ticket of a group."""

    ticket_no: str
    title: str


class Cluster(TypedDict):
    """A group with its members."""

    about: list[str]
    members: list[Member]


class Clusters(TypedDict):
    """Groups of similar tickets, largest first; `read` tickets were compared."""

    read: int
    groups: list[Cluster]


class Rebuilt(TypedDict):
    """How many tickets the index holds."""

    tickets: int
