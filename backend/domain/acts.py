"""The data of a decision: the act, the snapshot and context it is decided on, and the plan it becomes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from backend.domain.records import Assignment, Duty, JournalEntry, Message, Person, Request, Ticket, Unit, Visit
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade, Obligation, Role, Source

MEMBER_ROLES = (Role.HANDLER, Role.LIAISON, Role.LEADER)  # of a unit, nearest to the work first


class AccountKind(StrEnum):
    """What kind of account acts; never told from the spelling of its id (XS3)."""

    PERSON = "person"
    OPERATOR = "operator"  # whoever may run commands on this machine
    ADMINISTRATOR = "administrator"  # of no unit: who sets up and runs the installation, by name
    SERVICE = "service"  # an API key of no person
    SYSTEM = "system"


#: before the name of an account that is no person's; no code of a person holds a colon
CODE_PREFIXES = {AccountKind.SERVICE: "key:", AccountKind.ADMINISTRATOR: "operator:"}


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in: the kind, and the person's code or the key's name."""

    kind: AccountKind
    id: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose tickets the people of a unit see: its own, and of the units below it all but the confidential (XM2)."""

    unit: str
    below: frozenset[str] = frozenset()

    @property
    def units(self) -> frozenset[str]:
        """The unit and those below it."""
        return self.below | {self.unit}

    def covers(self, ticket: Ticket, given_to: Collection[str]) -> bool:
        """Return whether they see a ticket that was given to these units."""
        return self.unit in given_to or ("confidential" not in ticket.flags and not self.below.isdisjoint(given_to))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account with its role and unit of now. Refused `unit_missing` for a role of a unit without one.

    Outside tests only this file builds one (XS7).
    """

    id: str
    role: Role | None  # None: the system itself
    unit: str | None = None
    kind: AccountKind = AccountKind.PERSON
    below: frozenset[str] = frozenset()  # the units below theirs, whose tickets they may read (XM2)

    def __post_init__(self) -> None:
        if self.is_unit_member and not self.unit:
            raise Refused("unit_missing", field="unit")

    @classmethod
    def of(cls, person: Person, below: frozenset[str] = frozenset()) -> "Actor":
        """Return a person as actor."""
        return cls(person.code, person.role, person.unit, below=below)

    @classmethod
    def of_key(cls, name: str, role: Role, unit: str | None = None, below: frozenset[str] = frozenset()) -> "Actor":
        """Return a service key as actor. Refused `unit_missing`."""
        return cls(name, role, unit, AccountKind.SERVICE, below)

    @classmethod
    def of_administrator(cls, name: str) -> "Actor":
        """Return an administrator of no unit as actor."""
        return cls(name, Role.ADMIN, kind=AccountKind.ADMINISTRATOR)

    def with_role(self, role: Role | None) -> "Actor":
        """Return the same account in another role; None: what follows from its act by itself."""
        return replace(self, role=role)

    @property
    def code(self) -> str:
        """The name in journals and logs: the person's code, `key:NAME`, `operator:NAME`. Never read back (XS3)."""
        return f"{CODE_PREFIXES.get(self.kind, '')}{self.id}"

    @property
    def account(self) -> Account:
        """The account that acts."""
        return Account(self.kind, self.id)

    @property
    def is_unit_member(self) -> bool:
        """True for roles that see only their own unit's tickets."""
        return self.role in MEMBER_ROLES

    @property
    def only_unit(self) -> str | None:
        """The only unit they act for; None: the whole office."""
        return self.unit if self.is_unit_member else None

    @property
    def sight(self) -> Sight | None:
        """Whose tickets they may read; None: all."""
        return Sight(self.unit or "", self.below) if self.is_unit_member else None

    def may_see(self, unit: str | None) -> bool:
        """Return whether they may see what belongs to this unit."""
        return self.only_unit in (None, unit)

    def may_follow(self, unit: str | None) -> bool:
        """Return whether they may read how this unit handles a ticket they see: their own, or one below it (XM2)."""
        return self.may_see(unit) or unit in self.below


SYSTEM = Actor("system", None, kind=AccountKind.SYSTEM)
OPERATOR = Actor("operator", Role.ADMIN, kind=AccountKind.OPERATOR)


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
    arguments: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    seen_version: int | None = None
    at: datetime | None = None
    inbox_id: int | None = None


def list_files(
    ticket: Ticket, assignments: Sequence[Assignment], actor: Actor, assignment_id: int | None = None
) -> list[str]:
    """Return the files of a ticket they may see: the demand's and those of assignments whose unit they see (XM25)."""
    seen = {a.id for a in assignments if actor.may_follow(a.unit) and assignment_id in (None, a.id)}
    return [file for file, of in ticket.files if of in seen or (of == 0 and assignment_id is None)]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ticket with everything a decision needs, read at once."""

    ticket: Ticket
    assignments: tuple[Assignment, ...] = ()
    duties: tuple[Duty, ...] = ()  # open ones
    requests: tuple[Request, ...] = ()  # undecided, and the decided ones of kinds with a limit
    visits: tuple[Visit, ...] = ()  # of this ticket
    last_entry: JournalEntry | None = None  # the newest journal entry
    other: "Snapshot | None" = None  # the other ticket an act names (the master of a merge)

    @property
    def lead(self) -> Assignment | None:
        """The lead unit's current assignment (主办)."""
        return next((a for a in self.assignments if a.id == self.ticket.lead_id), None)

    def list_files(self, actor: Actor, assignment_id: int | None = None) -> list[str]:
        """Return the files they may see, or those of one assignment only."""
        return list_files(self.ticket, self.assignments, actor, assignment_id)

    def find_assignment(self, assignment_id: int) -> Assignment | None:
        """Return the assignment with this id, or None if the ticket has no such assignment."""
        return next((a for a in self.assignments if a.id == assignment_id), None)


@dataclass(frozen=True, slots=True)
class Change:
    """New values for some columns of one row."""

    table: type
    id: int
    values: Mapping[str, Any]


NewRow = Assignment | Duty | Request | Visit | Message


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one move writes, in one transaction, provided the ticket's version is still `expected`."""

    ticket_id: int
    expected_version: int
    ticket: Mapping[str, Any]
    entry: JournalEntry
    rows: tuple[NewRow, ...] = ()
    changes: tuple[Change, ...] = ()
    redraw: tuple[int, ...] = ()  # assignments whose cards must be redrawn
    inbox_id: int | None = None
    urgent: bool = False
    other: "Plan | None" = None  # the same act's effect on the other ticket; both are written or neither


class DecisionSettings(Protocol):
    """The settings a decision may read, by key of readings §4."""

    def text(self, key: str, unit: str | None = None) -> str: ...
    def flag(self, key: str, unit: str | None = None) -> bool: ...
    def integer(self, key: str, unit: str | None = None) -> int: ...
    def strings(self, key: str, unit: str | None = None) -> Sequence[str]: ...


class OfficeRules(Protocol):
    """What a decision may ask of the office: its people, calendar and rules in force (`OfficeSnapshot`)."""

    @property
    def settings(self) -> DecisionSettings: ...
    def due(
        self, kind: Obligation, grade: Grade, category: Category | None, start: datetime, unit: str | None
    ) -> datetime: ...
    def add_limit(self, limit: str, start: datetime, unit: str | None) -> datetime: ...
    def first_check(
        self, kind: Obligation, grade: Grade, start: datetime, due: datetime, unit: str | None
    ) -> datetime: ...
    def visit_start(self, closed_at: datetime) -> datetime: ...
    def next_open(self, at: datetime, unit: str | None) -> datetime: ...
    def earliest_notice(
        self, now: datetime, grade: Grade, unit: str | None, due: datetime | None = None
    ) -> datetime: ...
    def earliest_send(self, planned: datetime, now: datetime, grade: Grade, unit: str | None) -> datetime: ...
    def with_review_time(
        self, due: datetime, limit: datetime, decided: datetime, grade: Grade, unit: str | None
    ) -> datetime: ...
    def find_unit(self, code: str) -> Unit | None: ...
    def find_person(self, code: str) -> Person | None: ...
    def people(self, unit: str, *roles: Role) -> Sequence[Person]: ...
    def recipients(self, people: Sequence[Person], at: datetime, *, urgent: bool) -> Sequence[Person]: ...
    def contacts(self, unit: str, at: datetime, *, urgent: bool) -> Sequence[Person]: ...


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What one act is decided by: the office, the moment of the act, and ids for new rows."""

    office: OfficeRules
    now: datetime
    new_id: Callable[[], int]
