"""Shapes of what explains scores: the figures behind a line, what is pending, what-if, costs, trends (XS12)."""

from typing import NotRequired, final

from typing_extensions import TypedDict

from backend.domain.json_shapes import Amount, Instant, Month
from backend.scoring.shapes import Evidence, Sheet, SheetChange, SheetHead, SheetLine


class Why(TypedDict, total=False):
    """The figures behind a line: `formula` names the sentence that explains them, `basis` the paragraph."""

    formula: str
    basis: str
    points: Amount
    numerator: int | None
    denominator: int | None
    rate: Amount | None
    deduction: Amount
    score: Amount
    threshold: Amount
    slope: Amount
    per: Amount
    gap: Amount
    mode: str
    cap: Amount | None
    tolerance: int | None
    count: int
    amount: Amount | None
    block: int | None


class ExplainedLine(SheetLine):
    """A line and the figures behind it; `formula` in words."""

    why: Why
    formula: NotRequired[str]


class TicketBehind(TypedDict):
    """A ticket behind a line; `excluded`: the reason it was taken out for."""

    ticket: str
    failed: bool
    excluded: str | None


@final
class ExplainedSheet(SheetHead):
    """A month's sheet explained line by line."""

    month: Month
    unit: str
    lines: list[ExplainedLine]


@final
class ExplainedItem(TypedDict):
    """One line explained, with a page of the tickets behind it, or its ledger lines."""

    month: Month
    unit: str
    item: str
    line: ExplainedLine
    tickets: list[TicketBehind]
    next: str | None
    of: int
    entries: NotRequired[list[Evidence]]


Explanation = ExplainedSheet | ExplainedItem


class PendingRequestItem(TypedDict):
    """A request that another person has not decided."""

    id: int
    kind: str
    ticket: str
    asked_at: Instant
    new_due_at: Instant | None


class PendingLine(TypedDict):
    """A ledger line that is not decided."""

    id: int
    kind: str
    count: int
    state: str
    note: str


class PendingContest(TypedDict):
    """A contest that is not decided."""

    id: int
    item: str | None
    words: str
    tickets: list[str]


class PendingExclusion(TypedDict):
    """An exclusion that is not decided."""

    id: int
    item: str
    ticket: str
    reason: str


class Pending(TypedDict):
    """What is undecided and may change a unit's month."""

    requests: list[PendingRequestItem]
    ledger: list[PendingLine]
    contests: list[PendingContest]
    exclusions: list[PendingExclusion]


class WhatIf(TypedDict):
    """A sheet as it is and as it would be."""

    month: Month
    unit: str
    real: Sheet
    changed: Sheet
    difference: SheetChange


class ItemCost(TypedDict):
    """What one item of one month would lose."""

    month: Month
    item: str
    name: str
    in_time: Amount
    late: Amount
    cost: Amount


class MonthCost(TypedDict):
    """What one month's total would lose."""

    month: Month
    in_time: Amount | None
    late: Amount | None
    cost: Amount


class LatenessCost(TypedDict):
    """What lateness would cost a unit; `open`: it can still become late."""

    unit: NotRequired[str]
    month: NotRequired[Month]
    in_time: NotRequired[Amount | None]
    late: NotRequired[Amount | None]
    items: list[ItemCost]
    months: NotRequired[list[MonthCost]]
    cost: Amount
    open: bool


class TicketLatenessCost(LatenessCost):
    """What lateness of this ticket would cost."""

    ticket_no: str


class TrendItem(TypedDict):
    """An item's score in each of the months."""

    item: str
    name: str
    scores: list[Amount | None]


class Trend(TypedDict):
    """A unit's totals and items over months."""

    unit: str
    months: list[Month]
    totals: list[Amount | None]
    items: list[TrendItem]
