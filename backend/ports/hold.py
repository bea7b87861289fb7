"""The hold after a restore: marks of how far an installation had gone, why it is held, what waits, and its release (FD13)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an installation had gone. Instants are whole microseconds.

    `number` counts the beats of all its processes; where two marks differ, the greater one is the later.
    """

    incarnation: str
    number: int
    at: int  # real time
    office_at: int  # office time: in a rehearsal another
    seal: int  # the newest seal
    lines: int  # of the journal
    line_at: int | None  # when the newest was recorded


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an installation is held. Instants are whole microseconds of office time."""

    why: str  # restored | behind | unmarked
    since: int
    mark_at: int  # what was due by then may have been sent already
    lost_until: int | None  # when the newest line was recorded that is known to be lost; None: nobody knows
    lost_lines: int | None
    kept_until: int | None  # when the newest line was recorded that is there


class Release(StrEnum):
    """What may still leave of what waits when a hold is released."""

    NEWER = "newer"  # what was not yet due at the newest mark
    URGENT = "urgent"  # of that, only what is urgent or is due later
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to leave, of one kind: how many were due by the mark and after it, and when the oldest was due."""

    what: str  # letters | calls | caller_texts | cards | writebacks
    kind: str
    older: int
    newer: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What a database says of its own past."""

    incarnation: str
    mark: Mark | None
    hold: Hold | None


class MarkPlace(Protocol):
    """A place outside the database where the newest mark is kept."""

    async def read(self) -> Mark | None:
        """Return the newest mark; None if there is none that can be read."""
        ...

    async def write(self, mark: Mark) -> None:
        """Replace the mark."""
        ...


class HoldStore(Protocol):
    """Stores marks and holds in the database."""

    async def read(self) -> Standing:
        """Return what the database says; an incarnation is empty before the first start."""
        ...

    async def begin_incarnation(self, incarnation: str) -> None:
        """Name the database, unless it has a name."""
        ...

    async def advance(self, real: datetime, office: datetime) -> Mark:
        """Count one beat and return the mark, once it is durable."""
        ...

    async def begin(self, hold: Hold) -> bool:
        """Hold the installation; False if it was held."""
        ...

    async def count_waiting(self, mark_at: int, now: datetime) -> Sequence[Waiting]:
        """Count what is due by now, by kind, largest first."""
        ...

    async def count_passed_duties(self, since: int, now: datetime) -> Mapping[str, int]:
        """Count open duties that became due since then, by kind."""
        ...

    async def release(
        self, mode: Release, cut: datetime, now: datetime, by: str, facts: Mapping[str, Any]
    ) -> int | None:
        """End the hold; return how many waiting things were dropped (error `restored`). None if it was not held.

        What was in hand when the copy was taken never leaves again. One audit row, in the same transaction.
        """
        ...
