"""What the platform room needs of its shelf: lines not yet written back, taken under a lease, settled once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from backend.ports.reading import Page


class Sync(StrEnum):
    """How far one move has come on its way to the platform that holds the record."""

    WAITING = "waiting"  # not yet sent, or to be sent again
    SENDING = "sending"  # under a lease
    ASKED = "asked"  # taken by the platform, which has not confirmed it yet
    CONFIRMED = "confirmed"
    REFUSED = "refused"  # the platform said no: a person must look
    OWN = "own"  # came from the platform itself: nothing to write back
    SETTLED = "settled"  # a person has set it right on the platform by hand


#: The move stands with the platform; every other state shows as 待平台确认.
DONE = frozenset({Sync.CONFIRMED, Sync.OWN, Sync.SETTLED})


@dataclass(frozen=True, slots=True)
class Writeback:
    """One move on its way: the journal line's id, what it says, and how far it has come."""

    id: int
    ticket_no: str
    version: int
    verb: str
    from_state: str
    to_state: str
    by: str
    unit: str | None
    source: str
    at: datetime
    words: Mapping[str, Any]
    state: Sync
    attempts: int
    since: datetime
    not_before: datetime | None
    done_at: datetime | None
    done_by: str | None
    error: str | None
    ref: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a ticket stands with the platform. `waiting` counts its moves without an answer."""

    state: Sync  # confirmed | waiting | refused
    waiting: int = 0
    since: datetime | None = None  # the oldest of them
    error: str | None = None


class PlatformStore(Protocol):
    """storage/platform.py."""

    async def external_since(self, now: datetime) -> datetime | None:
        """Since when another platform holds the record without a break; None while we hold it."""
        ...

    async def gather(self, after: datetime, own: Collection[str], now: datetime, limit: int) -> int:
        """Note up to `limit` journal lines recorded from then on that have no row yet; those of `own` are done at once."""
        ...

    async def claim(self, owner: str, now: datetime, until: datetime, limit: int) -> Sequence[Writeback]:
        """Take due moves in hand, of each ticket only the first that is not done; rows whose lease ended as well."""
        ...

    async def settle(
        self, id_: int, owner: str, attempt: int, state: Sync, now: datetime, *, error: str | None = None,
        ref: str | None = None, not_before: datetime | None = None,
    ) -> bool:  # fmt: skip
        """Put one down, if it is still in that owner's hand by that attempt."""
        ...

    async def answer(self, id_: int, state: Sync, now: datetime, by: str, *, error: str | None = None,
                     ref: str | None = None) -> Sync | None:  # fmt: skip
        """What was said of a move later: by the platform or by a person; its state afterwards, None when unknown.

        A move that is done stays done.
        """
        ...

    async def again(self, id_: int, now: datetime) -> bool:
        """Send a refused or unanswered move once more."""
        ...

    async def standing(self, tickets: Mapping[int, int], after: datetime) -> Mapping[int, Standing]:
        """Where tickets (id → version) stand, as far as anything of theirs was recorded from `after` on."""
        ...

    async def page(
        self, *, state: Sync | None = None, ticket_id: int | None = None, before: int | None = None, limit: int = 50
    ) -> Page[Writeback]:
        """Moves on their way, newest first."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """How many are in each state that is not done."""
        ...
