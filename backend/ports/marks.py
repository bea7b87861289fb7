"""Where marks come from and are kept: counts over the tables, ledgers, runs and appeals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from backend.domain.scoring.measures import Measure


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be counted: the instants from `start` up to but not at `end`, as known at `as_of`.

    The words are those of the `scoring.*` settings that change a cohort (COUNTING); `unit` narrows the answer to one.
    """

    start: datetime
    end: datetime
    as_of: datetime
    closure_basis: str = "closed"
    return_basis: str = "accepted"
    unreasonable_mode: str = "keep_in_denominator"
    second_visit_unreached: str = "satisfied"
    unit: str | None = None


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
class LedgerEntry:
    """A line of a ledger (台账): `state` is entered, accepted or refused; `facts` holds `timely`, `total` of `connect`."""

    id: int
    kind: str
    unit: str
    month: str
    count: int
    level: str | None
    matter: str | None
    points: str | None
    note: str
    evidence: str
    entered_by: str
    entered_at: datetime
    state: str
    fingerprint: str
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A stored reckoning: `state` trial or locked; `sheet` holds facts, settings and result; `hash` seals it."""

    id: int
    period: str
    scheme: str  # "" where each unit has its own
    state: str
    by: str
    at: datetime
    sheet: Mapping[str, Any]
    hash: str
    locked_at: datetime | None = None
    locked_by: str | None = None
    revision_of: int | None = None


@dataclass(frozen=True, slots=True)
class Appeal:
    """异议: what a unit says against a run."""

    id: int
    run_id: int
    unit: str
    item: str | None
    words: str
    by: str
    at: datetime


class MarksStore(Protocol):
    """The shelf of the marks."""

    async def count(self, measures: Sequence[Measure], question: Question) -> Mapping[Measure, Sequence[Counted]]:
        """Each measure's counts by unit, one pass a measure, all on one view of the data where the engine has it."""
        ...

    async def witnesses(self, measure: Measure, question: Question, limit: int) -> Sequence[Witness]:
        """The tickets behind a measure, failing ones first, at most `limit` a unit."""
        ...

    async def ledger(self, first: str, last: str, unit: str | None = None) -> Sequence[LedgerEntry]:
        """Accepted entries of the months `first` to `last` (2026-10), oldest first."""
        ...

    async def entry(self, entry_id: int) -> LedgerEntry | None:
        """One entry."""
        ...

    async def enter(self, entries: Sequence[LedgerEntry]) -> Sequence[bool]:
        """Keep entries in one transaction; False for one whose fingerprint is known."""
        ...

    async def review(self, entry_id: int, state: str, by: str, at: datetime) -> bool:
        """Decide an entered entry; False when it is decided already."""
        ...

    async def keep_run(self, run: Run) -> None:
        """Keep a run."""
        ...

    async def run(self, run_id: int) -> Run | None:
        """One run."""
        ...

    async def locked(self, period: str, scheme: str) -> Run | None:
        """The newest locked run of a period and scheme."""
        ...

    async def lock(self, run_id: int, by: str, at: datetime, revision_of: int | None) -> bool:
        """Lock a trial run; False when it is locked already."""
        ...

    async def appeal(self, appeal: Appeal) -> None:
        """Keep an appeal."""
        ...

    async def appeals(self, run_id: int) -> Sequence[Appeal]:
        """The appeals against a run, oldest first."""
        ...
