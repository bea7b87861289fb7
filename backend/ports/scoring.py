"""Counts for scoring, with ledgers, runs and registers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.scoring.measures import Measure
from backend.ports.clues import ClueStore
from backend.ports.connect_counts import ConnectStore
from backend.ports.ledgers import LedgerEntry, LedgerStore
from backend.ports.registers import RegisterStore
from backend.ports.score_runs import Contest, Exclusion, Run, RunStore

__all__ = [
    "Cohort",
    "Contest",
    "EvidenceTicket",
    "Exclusion",
    "LedgerEntry",
    "PendingRequest",
    "Run",
    "ScoringStore",
    "TicketShare",
    "UnitCount",
]


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A unit's request that waits for a decision: return, extension, unreasonable or appeal (B34-B40)."""

    id: int
    kind: str
    ticket: str
    assignment_id: int | None
    asked_at: datetime
    new_due_at: datetime | None = None  # requested by an extension


@dataclass(frozen=True, slots=True)
class Cohort:
    """What to count: instants from `start` to before `end`, as known at `as_of`.

    The text fields hold the `scoring.*` settings that change a cohort (COUNTING); `unit` limits the result to one.
    Requests in `granted` count as accepted at `as_of` although they are pending. `open_only`: of the measures in
    `OPEN_MEASURES`, only what is neither done nor late at `as_of` and therefore in no rate yet (Q9, Q15).
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
    response_basis: str = "said_or_recorded"
    unit: str | None = None
    granted: tuple[PendingRequest, ...] = ()
    open_only: bool = False


@dataclass(frozen=True, slots=True)
class UnitCount:
    """Numerator and denominator of one unit."""

    unit: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class EvidenceTicket:
    """A ticket behind a line. `failed` if it counts against the unit; `of` is how many tickets there are in all."""

    unit: str
    ticket: str
    failed: bool
    total: int


@dataclass(frozen=True, slots=True)
class TicketShare:
    """A ticket excluded from an item (剔除): what it had added to numerator and denominator, and why."""

    unit: str
    ticket: str
    numerator: int
    denominator: int
    reason: str


class ScoringStore(LedgerStore, RunStore, RegisterStore, ConnectStore, ClueStore, Protocol):
    """Stores and counts what scoring needs."""

    async def count(self, measures: Sequence[Measure], cohort: Cohort) -> Mapping[Measure, Sequence[UnitCount]]:
        """Count each measure by unit, one pass per measure, all on one view of the data if the engine supports it."""
        ...

    async def list_evidence(self, measure: Measure, cohort: Cohort, limit: int) -> Sequence[EvidenceTicket]:
        """List the tickets behind a measure, failing ones first, at most `limit` per unit."""
        ...

    async def list_unit_evidence(
        self, measure: Measure, cohort: Cohort, offset: int, limit: int, *, failed: bool = False
    ) -> Sequence[EvidenceTicket]:
        """Return a page of the tickets behind one unit's measure (`question.unit`), failing first, or only those."""
        ...

    async def list_excluded_shares(
        self, measure: Measure, item: str, month: str, cohort: Cohort
    ) -> Sequence[TicketShare]:
        """List what the accepted exclusions of an item's month, known at `as_of`, subtract from the counts."""
        ...

    async def list_ticket_shares(self, measure: Measure, ticket: str, cohort: Cohort) -> Sequence[TicketShare]:
        """List what one ticket adds to the counts of `question.unit`."""
        ...

    async def list_pending_requests(
        self, unit: str, kinds: Sequence[str], until: datetime, limit: int
    ) -> Sequence[PendingRequest]:
        """List a unit's pending requests of these kinds about assignments dispatched before `until`, oldest first."""
        ...

    async def find_first_record(self) -> datetime | None:
        """Return when this installation wrote its first journal line (its settings are known since); None before."""
        ...
