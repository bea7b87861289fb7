"""Records beside calls: invalid numbers, attempts as evidence, and costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.ports.call_rows import Call


@dataclass(frozen=True, slots=True)
class InvalidNumber:
    """A number that cannot or may not be called (FW23, FW31); only its mask is shown."""

    key: str  # identifies it when it is to be tried again
    masked: str
    code: str
    at: datetime
    person: str | None
    ticket_no: str | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt as evidence: whom it called, when, its outcome; `requester` is that of a bridge's second leg."""

    attempt_id: int
    call_id: int
    at: datetime
    person: str | None
    outcome: str
    seconds: int = 0
    requester: str = ""


@dataclass(frozen=True, slots=True)
class CostTally:
    """What one unit's calls of one purpose add up to: attempts, answered ones, seconds, and cost by currency."""

    unit: str
    purpose: str
    attempts: int
    answered: int
    seconds: int
    currency: str
    cost: str  # a decimal number; "0" if the carrier has reported no price


@dataclass(frozen=True, slots=True)
class CallUsage:
    """What calls used: attempts, and minutes to be paid, each leg of a bridge by itself."""

    attempts: int
    minutes: int


class CallRecordStore(Protocol):
    """Stores bridges, evidence, invalid numbers and costs."""

    async def find_bridge(self, ticket_id: int) -> Call | None:
        """Return the bridge about this ticket that waits or is in progress."""
        ...

    async def list_bridge_attempts(self, ticket_id: int) -> Sequence[AttemptRecord]:
        """List all attempts to connect somebody with this requester, oldest first."""
        ...

    async def list_notice_attempts(self, assignment_id: int) -> Sequence[AttemptRecord]:
        """List all settled attempts to notify a unit of this assignment, oldest first."""
        ...

    async def record_answered_by(self, attempt_id: int, answered_by: str) -> None:
        """Record who the carrier believes has answered; a hint, never a proof (FW19)."""
        ...

    async def add_invalid_number(self, number: str, masked: str, code: str, at: datetime, call: Call) -> None:
        """Mark a number as invalid: nobody calls it again (FW23)."""
        ...

    async def is_invalid_number(self, number: str) -> bool:
        """Whether a number is marked invalid."""
        ...

    async def list_invalid_numbers(self, limit: int) -> Sequence[InvalidNumber]:
        """List invalid numbers, newest first."""
        ...

    async def remove_invalid_number(self, key: str) -> bool:
        """Allow a number to be tried again; False if it was not marked."""
        ...

    async def count_tail_guess(self, ticket_id: int, now: datetime, *, is_right: bool) -> bool:
        """Count a guess at a ticket's tail; False after too many recent guesses, right or not (FW25)."""
        ...

    async def claim_unreachable_draft(self, assignment_id: int, attempt_ids: Sequence[int], at: datetime) -> bool:
        """Claim the drafting of a ledger line about this matter; False if one was drafted (B46)."""
        ...

    async def sum_costs(self, since: datetime, until: datetime) -> Sequence[CostTally]:
        """Sum up calls asked for in that time by unit, purpose and currency."""
        ...
