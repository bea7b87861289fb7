"""Shapes of what scoring tells: sheets, a period's result, runs, and what differs between two of them (XS12)."""

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from backend.domain.json_shapes import Amount, Instant, one_of
from backend.domain.scoring.scheme import Part

RUN_STATES = ("trial", "what_if", "check", "locked")


class LedgerEvidence(TypedDict, total=False):
    """What a ledger line names as its evidence."""

    ledger: int
    text: str
    files: list[str]
    tickets: list[str]


class Evidence(TypedDict, total=False):
    """What is behind a line: a ticket, how many more there are, a score carried over, the calls of a channel (接通率), or
    a ledger line and its facts.
    """

    ticket: str
    failed: bool
    excluded: str
    more: int
    carried: Amount
    channel: str
    days: int
    offered: int
    answered: int
    abandoned: int | None
    kind: str
    count: int | str
    level: str | None
    matter: str | None
    points: Amount | None
    note: str | None
    evidence: str | LedgerEvidence
    already: Amount


class SheetLine(TypedDict):
    """One line of a sheet; the rate in per cent. `answers`: how many were reached, answered, were deemed satisfied."""

    item: str
    name: str
    part: Part
    points: Amount
    numerator: int | None
    denominator: int | None
    rate: Amount | None
    deduction: Amount
    score: Amount
    note: str
    evidence: list[Evidence]
    answers: NotRequired[dict[str, int]]


class SheetHead(TypedDict):
    """A score sheet without its lines: the published total, its parts, the readings applied."""

    scheme: str
    scheme_version: str
    total: Amount | None
    raw_total: Amount | None
    base: Amount
    bonus: Amount
    minus: Amount
    flags: list[str]
    readings: dict[str, str]
    figures_hash: str


class Sheet(SheetHead):
    """A score sheet."""

    lines: list[SheetLine]


class RankedSheet(Sheet):
    """A sheet; of a quarter or year with its rank and tier, and the scheme of its months."""

    rank: NotRequired[int | None]
    tier: NotRequired[str | None]
    of: NotRequired[str]


class UnitSheet(RankedSheet):
    """A unit's sheet."""

    unit: str
    name: str
    region: str


class RegionSheet(RankedSheet):
    """A region's sheet."""

    region: str


class Result(TypedDict):
    """The sheets of a period; `rules_as_of`: the instant whose settings hold."""

    period: str
    rules_as_of: NotRequired[Instant]
    units: list[UnitSheet]
    regions: list[RegionSheet]


class Scores(Result):
    """A month's sheets: the locked ones and their run, else a trial as of now."""

    state: Annotated[str, one_of(("trial", "locked"))]
    run: int | None
    forced: str | None


class RunHead(TypedDict):
    """A run without its sheets."""

    id: int
    period: str
    scheme: str | None
    state: Annotated[str, one_of(RUN_STATES)]
    hash: str
    by: str
    at: Instant
    locked_by: str | None
    locked_at: Instant | None
    revision_of: int | None
    check_until: Instant | None
    forced: str | None


class RunWithSheets(RunHead, Result):
    """A run with its sheets, and the settings it changed."""

    figures_hash: str
    changed: dict[str, str]


class CheckedRun(RunWithSheets):
    """A run whose check period was opened, and how many people were told."""

    told: int


class InspectedRun(RunWithSheets):
    """A run, and whether recomputing it gives the same."""

    holds: bool


class RuleChange(TypedDict):
    """A rule that differs between two runs."""

    key: str
    month: str
    old: str
    new: str


class LineFigures(TypedDict):
    """The figures of a line that are compared."""

    numerator: int | None
    denominator: int | None
    deduction: Amount | None
    score: Amount | None


class LineChange(TypedDict):
    """A line that changed."""

    item: str
    name: str
    old: LineFigures
    new: LineFigures
    change: str | None


class TotalChange(TypedDict):
    """A total that changed, and by how much."""

    old: Amount | None
    new: Amount | None
    change: str | None


class SheetChange(TotalChange):
    """A sheet that changed, and its lines that did."""

    lines: list[LineChange]


class UnitChange(SheetChange):
    """A unit's sheet that changed."""

    unit: str
    name: str


class RegionChange(TotalChange):
    """A region's total that changed."""

    region: str
    name: str


class ResultChange(TypedDict):
    """Which sheets changed."""

    units: list[UnitChange]
    regions: list[RegionChange]


class RunDifference(ResultChange):
    """What a run changed against another of its period."""

    period: str
    old: RunHead
    new: RunHead
    rules: list[RuleChange]
