"""What the doors may look at: tickets, their timelines, deliveries and calls, by page and never by offset."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from backend.domain.records import Assignment, Letter, Line, Ticket, Visit
from backend.ports.caller_texts import CallerText

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as it is shown: with its assignments, and the requester's name only so that it can be masked."""

    ticket: Ticket
    assignments: tuple[Assignment, ...]
    requester: str | None = None
    master: str | None = None  # number of the ticket it was merged into


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tickets are asked for; `words` is literal text, `overdue` means an open duty past its time."""

    state: str | None = None
    unit: str | None = None
    grade: str | None = None
    category: str | None = None
    overdue: bool = False
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, newest first; `next` is the id after which to go on, None at the end."""

    items: tuple[T, ...]
    next: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A letter and how far it has come."""

    letter: Letter
    ticket_no: str | None
    sent_at: datetime | None
    provider_id: str | None
    error: str | None
    cost: str | None


@dataclass(frozen=True, slots=True)
class Dial:
    """One attempt to ring."""

    id: int
    call_id: int
    number: int
    state: str
    status: str | None
    answered_by: str | None
    asked_at: datetime
    ended_at: datetime | None
    duration: int | None  # seconds
    outcome: str | None
    error: str | None
    keys: str
    answered_at: datetime | None = None
    cost: str | None = None  # "amount currency"
    recorded: bool = False
    script: str = ""
    script_version: int | None = None  # of the words that were said


@dataclass(frozen=True, slots=True)
class CallView:
    """A call as it is shown; the number only masked."""

    id: int
    ticket_no: str | None
    assignment_id: int | None
    letter_id: int | None
    person: str | None
    to: str
    purpose: str
    attempts: int
    state: str
    outcome: str | None
    keys: str
    duration: int  # seconds
    cost: str | None
    created_at: datetime
    ended_at: datetime | None
    dials: tuple[Dial, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Everything that happened to one ticket."""

    lines: tuple[Line, ...]
    deliveries: tuple[Delivery, ...]
    calls: tuple[CallView, ...]
    visits: tuple[Visit, ...] = ()
    texts: tuple[CallerText, ...] = ()


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asked, opened: only for a reveal, which is audited."""

    name: str | None
    phone: str | None


class ReadingStore(Protocol):
    """The reading room. `seen_by` is a unit code for those who see only what their unit was given."""

    async def ticket(self, no: str, seen_by: str | None = None) -> TicketView | None:
        """One ticket, or None when there is none or it is not theirs to know of."""
        ...

    async def tickets(
        self, filters: Filters, now: datetime, *, before: int | None = None, limit: int = 50,
        seen_by: str | None = None,
    ) -> Page[TicketView]:  # fmt: skip
        """A page of tickets, newest first. A search looks through a bounded stretch at a time."""
        ...

    async def history(self, ticket_id: int) -> History:
        """Journal, letters and calls of a ticket."""
        ...

    async def deliveries(
        self, *, ticket_id: int | None = None, people: Collection[str] | None = None, state: str | None = None,
        before: int | None = None, limit: int = 50,
    ) -> Page[Delivery]:  # fmt: skip
        """A page of letters, newest first; `people` limits whose."""
        ...

    async def calls(
        self, *, ticket_id: int | None = None, people: Collection[str] | None = None, outcome: str | None = None,
        before: int | None = None, limit: int = 50,
    ) -> Page[CallView]:  # fmt: skip
        """A page of calls, newest first."""
        ...

    async def counts(self, now: datetime, seen_by: str | None = None) -> Mapping[str, int]:
        """Open tickets by state, and `overdue` and `red` among them; never touches settled ones."""
        ...

    async def requester(self, ticket_id: int) -> Requester:
        """The requester's name and number, opened."""
        ...

    async def units_of(self, ticket_id: int) -> frozenset[str]:
        """Units that were ever given this ticket."""
        ...

    async def tallies(self) -> Mapping[str, Mapping[str, int]]:
        """For the meters: the newest letters by state and the newest calls by outcome."""
        ...

    async def ping(self) -> None:
        """Does the database answer? Raises what it raises."""
        ...
