"""Clues: what tickets, visits and the journal say that may belong in a ledger, for a person to decide (XD22, XM5)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Clue(StrEnum):
    """What is looked for."""

    PRAISE = "praise"  # praise received, remarks of satisfied requesters (B24, B50)
    SUPERVISION = "supervision"  # orders that expired, progress that was refused (B57)
    COORDINATED = "coordinated"  # flagged matters, closed, the requester expressly satisfied (B27)
    CONTRADICTED = "contradicted"  # the requester's last word in a visit denies what the unit reported (B48)
    RECOGNISED = "recognised"  # a complaint about record or dispatch that was recognised, or that lateness drew (B22)
    UNANSWERED = "unanswered"  # no reply in time, and the requester came again before there was one (B49)
    ENDURING = "enduring"  # a complaint that has had no result for long (B30, B55)
    ESCALATED = "escalated"  # a flagged matter grew worse, and no unit had been consulted (B21)


@dataclass(frozen=True, slots=True)
class ClueSpan:
    """Events from `start` to before `end`, as known at `now`; `enduring` days without a result are long."""

    start: datetime
    end: datetime
    now: datetime
    enduring: int


@dataclass(frozen=True, slots=True)
class LedgerCandidate:
    """A candidate for a ledger line: its unit and ticket, the row's id, why, what was noted, a ticket that came later."""

    unit: str
    ticket: str
    number: int
    why: str = ""
    text: str = ""
    other: str = ""


class ClueStore(Protocol):
    """Finds candidates for ledger lines."""

    async def find_clues(self, clue: Clue, span: ClueSpan) -> Sequence[LedgerCandidate]:
        """Find the candidates of one kind, oldest event first; an urgent grade alone is no flagged matter (XD11)."""
        ...

    async def list_in_hand(
        self, units: Collection[str], start: datetime, end: datetime, limit: int
    ) -> Sequence[tuple[str, str]]:
        """List (unit, ticket) of what these units led at any time of the span, newest first, at most `limit` a unit."""
        ...
