"""Where marks come from: counts over the tables, beside the books of ledgers and of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.scoring.measures import Measure
from backend.ports.ledgers import LedgerBook, LedgerEntry
from backend.ports.registers import RegisterBook
from backend.ports.runs import Appeal, Exclusion, Run, RunBook

__all__ = [
    "Appeal",
    "Counted",
    "Exclusion",
    "LedgerEntry",
    "MarksStore",
    "Question",
    "Run",
    "Struck",
    "Undecided",
    "Witness",
]


@dataclass(frozen=True, slots=True)
class Undecided:
    """A request of a unit that waits for its decision: return, extension, unreasonable or appeal (B34-B40)."""

    id: int
    kind: str
    ticket: str
    assignment_id: int | None
    asked_at: datetime
    new_due_at: datetime | None = None  # asked for by an extension


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be counted: the instants from `start` up to but not at `end`, as known at `as_of`.

    The words are those of the `scoring.*` settings that change a cohort (COUNTING); `unit` narrows the answer to one.
    What is `granted` counts as decided in favour at `as_of`, though it waits.
    """

    start: datetime
    end: datetime
    as_of: datetime
    closure_basis: str = "closed"
    return_basis: str = "accepted"
    unreasonable_mode: str = "keep_in_denominator"
    second_visit_unreached: str = "satisfied"
    sign_month: str = "dispatched"
    sign_returned: str = "keep"
    assisting: str = "sign"
    dispatch_month: str = "generated"
    dispatch_basis: str = "requiring"
    return_month: str = "submitted"
    extension_month: str = "closed"
    satisfaction_month: str = "closed"
    red_card_month: str = "due"
    red_card_basis: str = "in_hand"
    merged: str = "once"
    unit: str | None = None
    granted: tuple[Undecided, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """Numerator and denominator of one unit."""

    unit: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Witness:
    """A ticket behind a line. `failed` when it speaks against the unit; `of` is how many there are in all."""

    unit: str
    ticket: str
    failed: bool
    of: int


@dataclass(frozen=True, slots=True)
class Struck:
    """A ticket taken out of an item (剔除): what it had added to the numerator and the denominator, and why."""

    unit: str
    ticket: str
    numerator: int
    denominator: int
    reason: str


class MarksStore(LedgerBook, RunBook, RegisterBook, Protocol):
    """The shelf of the marks."""

    async def count(self, measures: Sequence[Measure], question: Question) -> Mapping[Measure, Sequence[Counted]]:
        """Each measure's counts by unit, one pass a measure, all on one view of the data where the engine has it."""
        ...

    async def witnesses(self, measure: Measure, question: Question, limit: int) -> Sequence[Witness]:
        """The tickets behind a measure, failing ones first, at most `limit` a unit."""
        ...

    async def witnesses_of(
        self, measure: Measure, question: Question, offset: int, limit: int, *, failed: bool = False
    ) -> Sequence[Witness]:
        """A page of the tickets behind one unit's measure (`question.unit`), failing ones first, or those alone."""
        ...

    async def struck(self, measure: Measure, item: str, month: str, question: Question) -> Sequence[Struck]:
        """What the accepted exclusions of an item's month, known at `as_of`, take away from the counts."""
        ...

    async def share(self, measure: Measure, ticket: str, question: Question) -> Sequence[Struck]:
        """What one ticket adds to the counts of `question.unit`."""
        ...

    async def undecided(self, unit: str, kinds: Sequence[str], until: datetime, limit: int) -> Sequence[Undecided]:
        """A unit's undecided requests of those kinds about what it was given before `until`, oldest first."""
        ...

    async def opened_at(self) -> datetime | None:
        """When this house first kept a record of its own: since then its settings are known; None before."""
        ...
