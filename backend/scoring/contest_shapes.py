"""Shapes of contests of score lines and of exclusions of tickets from an item (XS12)."""

from typing import Annotated

from typing_extensions import TypedDict

from backend.domain.json_shapes import Instant, Month, one_of

UNDECIDED = ("open", "proposed")
CONTEST_STATES = (*UNDECIDED, "accepted", "refused")
EXCLUSION_STATES = ("entered", "accepted", "refused")


class Proposal(TypedDict):
    """A proposed decision on a contest; `exclude`: the tickets it takes out."""

    accept: bool
    reason: str
    exclude: list[str]


class ContestItem(TypedDict):
    """A contest of a line (异议)."""

    id: int
    run: int
    period: str
    unit: str
    item: str | None
    words: str
    by: str
    at: Instant
    files: list[str]
    tickets: list[str]
    state: Annotated[str, one_of(CONTEST_STATES)]
    proposal: Proposal | None
    proposed_by: str | None
    decided_by: str | None
    decided_at: Instant | None


class OfferedContest(ContestItem):
    """A contest, and whether its decision is offered to the reader."""

    may_decide: bool


class ExclusionItem(TypedDict):
    """A ticket taken out of an item (剔除)."""

    id: int
    month: Month
    unit: str
    item: str
    ticket: str
    reason: str
    by: str
    at: Instant
    state: Annotated[str, one_of(EXCLUSION_STATES)]
    decided_by: str | None
    decided_at: Instant | None
    appeal: int | None


class OfferedExclusion(ExclusionItem):
    """An exclusion, and whether its decision is offered to the reader."""

    may_decide: bool
