"""The data of a decision: the act, the snapshot and context it is decided on, and the plan it becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.records import (
    Assignment,
    Duty,
    Letter,
    Line,
    Person,
    Request,
    Ticket,
    Unit,
    Visit,
)
from backend.domain.ticket import Category, Grade, Obligation, Role, Source


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a service key (`key:NAME`) or the system itself (`system`)."""

    code: str
    role: Role | None  # None: the system itself
    unit: str | None = None

    @property
    def of_unit(self) -> bool:
        """True for roles that see only their own unit's tickets."""
        return self.role in (Role.HANDLER, Role.LIAISON, Role.LEADER)


SYSTEM = Actor("system", None)


@dataclass(frozen=True, slots=True)
class Act:
    """One requested action on a ticket or one of its assignments.

    `version` is the ticket version the actor saw; `card` the assignment version shown on the pressed card;
    `at` the planned instant for acts of the clock (default: now).
    """

    verb: str
    by: Actor
    source: Source
    ticket_no: str | None = None
    assignment_id: int | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    card: int | None = None
    at: datetime | None = None
    inbox_id: int | None = None
    duty_id: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ticket with everything a decision needs, read at once."""

    ticket: Ticket
    assignments: tuple[Assignment, ...] = ()
    duties: tuple[Duty, ...] = ()  # open ones
    requests: tuple[Request, ...] = ()  # undecided, and the decided ones of kinds with a limit
    visits: tuple[Visit, ...] = ()  # of this ticket
    last: Line | None = None  # the newest journal entry
    beside: "Snapshot | None" = None  # the other ticket an act names (the master of a merge)

    @property
    def lead(self) -> Assignment | None:
        """The lead unit's current assignment (主办)."""
        return next((a for a in self.assignments if a.id == self.ticket.lead_id), None)

    def assignment(self, assignment_id: int) -> Assignment | None:
        """Return the assignment with this id, or None if the ticket has no such assignment."""
        return next((a for a in self.assignments if a.id == assignment_id), None)


@dataclass(frozen=True, slots=True)
class Change:
    """New values for some columns of one row."""

    table: type
    id: int
    values: Mapping[str, Any]


Row = Assignment | Duty | Request | Visit | Letter


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one move writes, in one transaction, provided the ticket's version is still `expected`."""

    ticket_id: int
    expected: int
    ticket: Mapping[str, Any]
    line: Line
    rows: tuple[Row, ...] = ()
    changes: tuple[Change, ...] = ()
    redraw: tuple[int, ...] = ()  # assignments whose cards must be redrawn
    inbox_id: int | None = None
    urgent: bool = False
    also: "Plan | None" = None  # the same act's effect on the other ticket; both are written or neither


class Rules(Protocol):
    """The settings a decision may read, by key of readings §4."""

    def text(self, key: str, unit: str | None = None) -> str: ...
    def flag(self, key: str, unit: str | None = None) -> bool: ...
    def integer(self, key: str, unit: str | None = None) -> int: ...
    def listing(self, key: str, unit: str | None = None) -> Sequence[str]: ...


class World(Protocol):
    """What a decision may ask about the office at the moment of the act."""

    @property
    def now(self) -> datetime: ...
    @property
    def rules(self) -> Rules: ...
    def due(
        self, kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None
    ) -> datetime: ...
    def later(self, limit: str, start: datetime, unit: str | None) -> datetime: ...
    def first_look(
        self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None
    ) -> datetime: ...
    def visit_start(self, closed_at: datetime) -> datetime: ...
    def next_open(self, at: datetime, unit: str | None) -> datetime: ...
    def may_hand_over(self, grade: Grade, unit: str | None, due: datetime | None = None) -> datetime: ...
    def may_tell(self, planned: datetime, grade: Grade, unit: str | None) -> datetime: ...
    def given_back(
        self, due: datetime, limit: datetime, decided: datetime, grade: Grade, unit: str | None
    ) -> datetime: ...
    def unit(self, code: str) -> Unit | None: ...
    def people(self, unit: str, *roles: Role) -> Sequence[Person]: ...
    def person(self, code: str) -> Person | None: ...
    def to_tell(self, people: Sequence[Person], *, urgent: bool) -> Sequence[Person]: ...
    def contacts(self, unit: str, *, urgent: bool) -> Sequence[Person]: ...
    def management_of(self, region: str) -> str | None: ...
    def new_id(self) -> int: ...
