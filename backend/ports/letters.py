"""Where letters wait, are claimed under a lease, and are settled only by whoever still holds them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.records import Letter
from backend.ports.cards import NewCard


@dataclass(frozen=True, slots=True)
class Waiting:
    """A letter that is due, as far as a queue needs to know it."""

    id: int
    kind: str
    channel: str
    person: str
    urgent: bool
    ticket_id: int | None
    assignment_id: int | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A letter in hand until `lease_until`. `letter.attempts` counts this attempt; `doubts` possible copies."""

    letter: Letter
    owner: str
    lease_until: datetime
    doubts: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """One audit row to be written along (table `audit`)."""

    at: datetime
    who: str
    what: str
    about: str | None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ended; kept only while id, owner and attempt still match (FM4, FM15).

    `state` sent, ambiguous, failed, dead, skipped, or pending with `not_before` for another try; `doubt` adds a
    possible copy. `card`, `letters` and `notes` are written in the same transaction, or not at all.
    """

    id: int
    owner: str
    attempt: int
    state: str
    at: datetime
    not_before: datetime | None = None
    error: str | None = None
    provider_id: str | None = None
    address: str | None = None
    cost: str | None = None
    doubt: bool = False
    card: NewCard | None = None
    letters: tuple[Letter, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A letter and how far it has come, for the timeline."""

    letter: Letter
    sent_at: datetime | None = None
    provider_id: str | None = None
    address: str | None = None
    error: str | None = None
    cost: str | None = None


class LetterStore(Protocol):
    """The courier's shelf, and that of whoever rings. `lease` times are real, not the office's movable clock."""

    async def add(self, letters: Sequence[Letter], notes: Sequence[Note] = ()) -> None:
        """Keep new letters, and audit rows along with them."""
        ...

    async def get(self, letter_id: int) -> Delivery | None:
        """One letter, or None."""
        ...

    async def planned(self, kind: str, channel: str, person: str) -> datetime | None:
        """When the first letter of a kind that waits for this person may leave; None when none waits."""
        ...

    async def waiting(
        self, channels: Collection[str], now: datetime, limit: int, *, urgent: bool = False
    ) -> list[Waiting]:
        """Letters that are due, urgent first, then by `not_before`; `urgent` looks at those only. Claims nothing."""
        ...

    async def claim(
        self,
        owner: str,
        channels: Collection[str],
        now: datetime,
        limit: int,
        lease_until: datetime,
        ids: Sequence[int] | None = None,
    ) -> list[Claimed]:
        """Take due letters in hand, urgent first (or just these ids); those already taken are passed over."""
        ...

    async def renew(self, claimed: Claimed, lease_until: datetime) -> bool:
        """Hold a letter longer; False when it is no longer ours (FM5)."""
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> list[bool]:
        """Write how attempts ended; False for each whose letter had left our hands (nothing of it is written)."""
        ...

    async def rescue(self, channels: Collection[str], real: datetime, now: datetime, most: int) -> list[Claimed]:
        """Free letters whose holder let the lease run out: to be sent again as a second copy.

        Those tried `most` times already become dead (FM7); they are returned.
        """
        ...

    async def hold(self, channel: str, persons: Collection[str], until: datetime, spare: Collection[str]) -> None:
        """Nothing for these persons on this channel before `until` (FT17), but kinds to `spare`."""
        ...

    async def hasten(self, letter_id: int, not_before: datetime) -> bool:
        """Make a waiting letter due earlier; False when it no longer waits."""
        ...

    async def give_up(self, letter_id: int, error: str, letters: Sequence[Letter], notes: Sequence[Note]) -> bool:
        """Mark a letter failed and add those that stand in for it; False when that was done before."""
        ...

    async def family(self, ticket_id: int | None, assignment_id: int | None) -> list[Delivery]:
        """All letters about an assignment (or about a ticket itself), oldest first."""
        ...

    async def of_ticket(self, ticket_id: int) -> list[Delivery]:
        """All letters of a ticket, oldest first."""
        ...
