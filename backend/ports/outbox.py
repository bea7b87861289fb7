"""The outbox: messages wait, are claimed under a lease, and are settled only by the worker that still holds them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend.domain.records import Message
from backend.ports.chat import NewCard

SUSPECT_DEATHS = 2  # in hand unasked at so many deaths, a message is taken alone; the next one is its own (FM7)


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A due message, reduced to what a queue needs."""

    id: int
    kind: str
    channel: str
    person: str
    urgent: bool
    ticket_id: int | None
    assignment_id: int | None
    deaths: int = 0  # of processes that had it in hand, unasked


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message claimed under a lease. `message.attempts` counts claims; `uncertain_sends` possible copies."""

    message: Message
    owner: str
    uncertain_sends: int = 0
    asks: int = 0  # how often a provider was asked, this time included if `is_asked`
    is_asked: bool = False  # it is on record that it may leave: from now on a death leaves a doubt (XR5)
    deaths: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """Put on record that a claimed message may leave now; refused when it is no longer this owner's (XR5)."""

    id: int
    owner: str
    attempt: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Rescue:
    """What the owners of expired leases left behind, beside what waits again."""

    ending: Sequence[ClaimedMessage] = ()  # may not be sent again, each still to be settled by `is_rescue`
    owners: int = 0  # living ones that have something in hand


@dataclass(frozen=True, slots=True)
class AuditNote:
    """An audit row to write in the same transaction (table `audit`)."""

    at: datetime
    actor: str
    event: str
    subject: str | None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of an attempt; written only while id, owner and attempt still match (FM4, FM15).

    `state` is sent, ambiguous, failed, dead, skipped, or pending with `not_before` for a retry; `is_uncertain` counts a
    possible copy. `card`, `messages`, `notes` and the haste of a waiting call are written in the same transaction, or
    not at all.
    """

    id: int
    owner: str
    attempt: int
    state: str
    at: datetime
    not_before: datetime | None = None
    waits_for: str = "retry"  # until `not_before`: retry | throttle | quiet
    error: str | None = None
    provider_id: str | None = None
    address: str | None = None
    cost: str | None = None
    is_uncertain: bool = False
    card: NewCard | None = None
    messages: tuple[Message, ...] = ()
    notes: tuple[AuditNote, ...] = ()
    call_to_hasten: tuple[int, datetime] | None = None  # a waiting message, and when it may leave
    was_asked: bool = True  # False: the provider was not asked after all, so this was no try
    is_rescue: bool = False  # for an owner who died: only while the lease is still expired


@dataclass(frozen=True, slots=True)
class MessageDelivery:
    """A message and its delivery state, for the timeline."""

    message: Message
    sent_at: datetime | None = None
    provider_id: str | None = None
    address: str | None = None
    error: str | None = None
    cost: str | None = None


class OutboxStore(Protocol):
    """Stores messages for the delivery worker and the dialer. Leases go by the database's clock, not the office's or a host's (XR1)."""

    async def add(self, messages: Sequence[Message], notes: Sequence[AuditNote] = ()) -> None:
        """Add messages and audit rows in one transaction."""
        ...

    async def add_once(self, messages: Sequence[Message], same: Sequence[str]) -> int:
        """Add those that nobody has been sent yet, in one transaction; return how many.

        Two are the same message by ticket, kind, person and the facts named in `same`. All are about one ticket.
        """
        ...

    async def get(self, outbox_id: int) -> MessageDelivery | None:
        """Return one message, or None."""
        ...

    async def find_next_send(self, kind: str, channel: str, person: str) -> datetime | None:
        """Return when the first waiting message of this kind to this person may be sent; None if none waits."""
        ...

    async def list_waiting(
        self, channels: Collection[str], now: datetime, limit: int, *, urgent: bool = False
    ) -> list[WaitingMessage]:
        """List due messages, urgent first, then by `not_before`; `urgent` lists only those. Claims nothing."""
        ...

    async def claim(
        self,
        owner: str,
        channels: Collection[str],
        now: datetime,
        limit: int,
        lease: timedelta,
        ids: Sequence[int] | None = None,
        *,
        ask: Collection[int] = (),
        alone: bool = False,
    ) -> list[ClaimedMessage]:
        """Claim due messages, urgent first (or just these ids); skip those already claimed.

        Those in `ask` may leave at once, unless a copy of them is in doubt: these are asked for by themselves (XR5).
        `alone` claims one that may be what killed its holders; such are claimed in no other way (FM7).
        """
        ...

    async def renew(self, owner: str, ids: Collection[int], lease: timedelta) -> Collection[int]:
        """Extend the leases of these messages; return those that are still this owner's (FM5, XR7)."""
        ...

    async def settle(self, results: Sequence[SendResult | Ask]) -> list[bool]:
        """Write results, then asks, in one transaction; False for each message no longer ours: nothing is written."""
        ...

    async def rescue(
        self, channels: Collection[str], now: datetime, *, may_repeat: bool = True, lease: timedelta = timedelta()
    ) -> Rescue:
        """Take back messages whose lease expired, by the table of what may have left (XR5, FM1, FM7).

        Not asked: it waits again, without doubt or mark. Asked: it waits, to be sent once more, marked. Asked with a
        doubt (or once, unless `may_repeat`), or not asked at a third death, alone: `ending`. Nothing is taken back before
        the database has served for the length of a `lease`: until then who lives may not have renewed theirs (G5).
        """
        ...

    async def postpone(
        self, channel: str, persons: Collection[str], until: datetime, except_kinds: Collection[str]
    ) -> None:
        """Postpone messages to these persons on this channel until `until` (FT17), except these kinds."""
        ...

    async def bring_forward(self, outbox_id: int, not_before: datetime) -> bool:
        """Make a waiting message due earlier; False if it no longer waits."""
        ...

    async def give_up(
        self,
        outbox_id: int,
        error: str,
        messages: Sequence[Message],
        notes: Sequence[AuditNote],
        call_to_hasten: tuple[int, datetime] | None = None,
    ) -> bool:
        """Mark a message failed, add its replacements and their haste; False if that was done before."""
        ...

    async def list_by_assignment(self, ticket_id: int, assignment_id: int | None) -> list[MessageDelivery]:
        """List all messages about an assignment (or about the ticket itself), oldest first."""
        ...

    async def list_by_ticket(self, ticket_id: int) -> list[MessageDelivery]:
        """List all messages of a ticket, oldest first."""
        ...


#: bucket → its state
BucketStates = Mapping[str, tuple[float, ...]]
#: states and the time in seconds → states to write, None for nothing
Decide = Callable[[BucketStates, float], BucketStates | None]


class RateLimitStore(Protocol):
    """Stores bucket states that one process at a time may change."""

    async def update(self, buckets: Sequence[str], decide: Decide, keep_seconds: float) -> None:
        """Read these buckets, decide and write the result atomically; None writes nothing.

        `decide` is given the store's own time, read after the states (XR1), and may run again after a collision; `keep` is for how many seconds the states matter.
        """
        ...
