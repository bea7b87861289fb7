"""Read-only views for the adapters: tickets, histories, deliveries and calls, by keyset page, never by offset."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from backend.domain.acts import Sight
from backend.domain.records import Assignment, JournalEntry, Message, Ticket, Visit
from backend.domain.text_search import TextSearch
from backend.ports.visits import RequesterText

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as shown, with its assignments; the requester's name is included only to be masked."""

    ticket: Ticket
    assignments: tuple[Assignment, ...]
    requester: str | None = None
    master_no: str | None = None  # number of the ticket it was merged into
    submitted_at: datetime | None = None  # when the demand was made elsewhere; only of one ticket read alone
    earlier_reply: Mapping[str, str] = field(default_factory=dict)  # `reply_text`, `reply_at` given elsewhere; likewise


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Filters of a ticket list; `overdue` means an open duty past its due time.

    `undecided`: a final 不满意 that was neither reworked, nor recognised as unreasonable, nor reviewed (T27, T29, A17).
    """

    state: str | None = None
    unit: str | None = None
    grade: str | None = None
    category: str | None = None
    overdue: bool = False
    undecided: bool = False
    text: TextSearch | None = None  # literal words, sought in numbers and in what is shown


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, newest first; `next` is the id to continue after, None at the end."""

    items: tuple[T, ...]
    next_id: int | None = None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A message and its delivery state."""

    message: Message
    ticket_no: str | None
    sent_at: datetime | None
    provider_id: str | None
    error: str | None
    cost: str | None


@dataclass(frozen=True, slots=True)
class CallAttemptView:
    """One call attempt."""

    id: int
    call_id: int
    attempt_no: int
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
    has_recording: bool = False
    script: str = ""
    script_version: int | None = None  # of the script that was spoken


@dataclass(frozen=True, slots=True)
class CallView:
    """A call as shown; its number is masked."""

    id: int
    ticket_no: str | None
    assignment_id: int | None
    outbox_id: int | None
    person: str | None
    to: str
    purpose: str
    attempt_count: int
    state: str
    outcome: str | None
    keys: str
    duration: int  # seconds
    cost: str | None
    created_at: datetime
    ended_at: datetime | None
    call_attempts: tuple[CallAttemptView, ...] = ()


@dataclass(frozen=True, slots=True)
class HandedPageView:
    """A page for rating that the office handed over; its address is not kept."""

    by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TicketHistory:
    """Everything that happened to one ticket."""

    lines: tuple[JournalEntry, ...]
    deliveries: tuple[DeliveryView, ...]
    calls: tuple[CallView, ...]
    visits: tuple[Visit, ...] = ()
    texts: tuple[RequesterText, ...] = ()
    pages: tuple[HandedPageView, ...] = ()


@dataclass(frozen=True, slots=True)
class Requester:
    """The requester in clear text: only for a reveal, which is audited."""

    name: str | None
    phone: str | None


class QueryStore(Protocol):
    """Read-only queries. `seen_by`: for those who see only what was given to their unit or one below."""

    async def get_ticket(self, no: str, seen_by: Sight | None = None) -> TicketView | None:
        """Return one ticket; None if it does not exist or is not visible to `seen_by`."""
        ...

    async def list_tickets(
        self, filters: TicketFilter, now: datetime, *, before: int | None = None, limit: int = 50,
        seen_by: Sight | None = None,
    ) -> Page[TicketView]:  # fmt: skip
        """Return a page of tickets, newest first. A search scans a bounded window at a time."""
        ...

    async def load_history(self, ticket_id: int, seen_by: Sight | None) -> TicketHistory:
        """Return the journal, messages, calls and visits of a ticket; it names no ticket `seen_by` may not see (XS7)."""
        ...

    async def list_deliveries(
        self, *, ticket_id: int | None = None, people: Collection[str] | None = None, state: str | None = None,
        before: int | None = None, limit: int = 50,
    ) -> Page[DeliveryView]:  # fmt: skip
        """Return a page of messages, newest first; `people` limits the recipients."""
        ...

    async def list_calls(
        self, *, ticket_id: int | None = None, people: Collection[str] | None = None, outcome: str | None = None,
        before: int | None = None, limit: int = 50,
    ) -> Page[CallView]:  # fmt: skip
        """Return a page of calls, newest first."""
        ...

    async def count_open(self, now: datetime, seen_by: Sight | None = None) -> Mapping[str, int]:
        """Count open tickets by state, and `overdue` and `red` among them; ended tickets are not read."""
        ...

    async def get_requester(self, ticket_id: int) -> Requester:
        """Return the requester's name and number in clear text."""
        ...

    async def find_by_phone(self, phone: str, seen_by: Sight | None, limit: int) -> Sequence[TicketView]:
        """Return the newest tickets of the requester with this whole number (E.164), by its blind index."""
        ...

    async def is_seen(self, ticket_id: int, seen_by: Sight | None) -> bool:
        """Return whether `seen_by` may see this ticket."""
        ...

    async def count_recent(self) -> Mapping[str, Mapping[str, int]]:
        """For the metrics: count the newest messages by state and the newest calls by outcome."""
        ...
