"""Writing moves back to the external platform: claimed under a lease, settled once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from backend.ports.ticket_queries import Page


class WritebackState(StrEnum):
    """The state of writing one move back to the platform that holds the record."""

    WAITING = "waiting"  # not yet sent, or to be sent again
    SENDING = "sending"  # under a lease
    ASKED = "asked"  # received by the platform, not yet confirmed
    CONFIRMED = "confirmed"
    REFUSED = "refused"  # the platform refused it: a person must look
    OWN = "own"  # came from the platform itself: nothing to write back
    SETTLED = "settled"  # corrected on the platform by a person


#: The platform has the move; every other state shows as 待平台确认.
DONE_STATES = frozenset({WritebackState.CONFIRMED, WritebackState.OWN, WritebackState.SETTLED})


@dataclass(frozen=True, slots=True)
class Writeback:
    """One move to write back: the journal line's id and content, and its state."""

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
    arguments: Mapping[str, Any]
    state: WritebackState
    attempts: int
    since: datetime
    not_before: datetime | None
    done_at: datetime | None
    done_by: str | None
    error: str | None
    ref: str | None


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """A ticket's status on the platform. `waiting` counts its moves without an answer."""

    state: WritebackState  # confirmed | waiting | refused
    waiting: int = 0
    since: datetime | None = None  # the oldest of them
    error: str | None = None


class PlatformStore(Protocol):
    """Stores write-backs."""

    async def find_external_since(self, now: datetime) -> datetime | None:
        """Return since when another platform has held the record without interruption; None while we hold it."""
        ...

    async def enqueue_new(self, after: datetime, own_people: Collection[str], now: datetime, limit: int) -> int:
        """Add up to `limit` journal lines recorded since then that have no row yet; those by `own` are done at once."""
        ...

    async def claim(self, owner: str, now: datetime, lease: timedelta, limit: int) -> Sequence[Writeback]:
        """Claim due moves, of each ticket only the first that is not done, including rows whose lease expired."""
        ...

    async def settle(
        self, id_: int, owner: str, attempt: int, state: WritebackState, now: datetime, *, error: str | None = None,
        ref: str | None = None, not_before: datetime | None = None,
    ) -> bool:  # fmt: skip
        """Settle a claimed move, if this owner and attempt still hold it."""
        ...

    async def record_answer(self, id_: int, state: WritebackState, now: datetime, by: str, *, error: str | None = None,
                     ref: str | None = None) -> WritebackState | None:  # fmt: skip
        """Record a later answer by the platform or a person; return the state after it, None if the move is unknown.

        A move that is done stays done.
        """
        ...

    async def retry(self, id_: int, now: datetime) -> bool:
        """Retry a refused or unanswered move."""
        ...

    async def load_status(self, tickets: Mapping[int, int], after: datetime) -> Mapping[int, PlatformStatus]:
        """Return the status of tickets (id → version) with anything recorded since `after`."""
        ...

    async def list_writebacks(
        self,
        *,
        state: WritebackState | None = None,
        ticket_id: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Page[Writeback]:
        """Return a page of write-backs, newest first."""
        ...

    async def count_open(self) -> Mapping[str, int]:
        """Count the moves in each state that is not done."""
        ...
