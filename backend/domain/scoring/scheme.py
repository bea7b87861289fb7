"""A province's scoring rules as values: rate items, ledger items, bonus and minus lines, each with its source row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.scoring.measures import Measure
from backend.domain.scoring.readings import Readings


class RateRule(StrEnum):
    """How a rate becomes a score."""

    SLOPE = "slope"  # deduct `slope` per `per` percentage points beyond `threshold`, at most `cap` (B15-B43)
    WEIGHTED = "weighted"  # points × rate
    SHOWN = "shown"  # printed, not scored (Q41)


class LedgerRule(StrEnum):
    """How ledger entries become an amount of points, before the cap."""

    PER_EVENT = "per_event"  # amount × count
    PER_LEVEL = "per_level"  # amount of the entry's level × count
    HIGHEST_PER_MATTER = "highest_per_matter"  # the matter's best level, less what it earned earlier (Q47)
    WORST_LEVEL = "worst_level"  # exclusive levels: the worst one entered (Q8)
    ABSENT = "absent"  # amount when nothing was entered (B23)
    BEYOND_FIRST = "beyond_first"  # amount × (count − 1) (B29)
    PER_BLOCK = "per_block"  # amount × ⌊count / block⌋, no carry-over (B28, B54, Q49)
    GRADED = "graded"  # the points entered, within lowest..highest (B53)


class Part(StrEnum):
    """The part of the sheet a line belongs to."""

    BASE = "base"
    BONUS = "bonus"
    MINUS = "minus"


class Carried(StrEnum):
    """What a ledger line may have to carry, by the field that is missing without it (B4)."""

    NOTE = "note"  # what happened, in words
    EVIDENCE = "evidence"  # a document: its name or number, a file, or a ticket
    MATTER = "matter"  # by which reports of one matter count once
    TICKETS = "tickets"  # the tickets it is about
    POINTS = "points"  # given within the annex's bounds
    TIMELY = "timely"
    TOTAL = "total"


class Exemption(StrEnum):
    """Why what happened does not count, as a row of the annexes says in brackets."""

    REQUESTER_PREVENTED = "requester_prevented"  # 因诉求人的原因导致无法回复 (B49)
    NO_REPLY_WANTED = "no_reply_wanted"  # 诉求人不需要回复 (B49)
    GOOD_REASON = "good_reason"  # 有正当理由 (B47)


class SchemeKind(StrEnum):
    """What a scheme file describes."""

    SHEET = "sheet"
    REGION = "region"
    PERIOD = "period"


@dataclass(frozen=True)
class Amount:
    """A number of the scheme; `setting`: the key that overrides it. None = no limit."""

    value: Fraction | None
    setting: str | None = None
    default: str = ""

    def resolve(self, readings: Readings) -> Fraction | None:
        """Return the number in force."""
        return readings.decimal(self.setting) if self.setting else self.value

    def resolve_required(self, readings: Readings) -> Fraction:
        """Return the number in force; `none` is Refused `bad_setting`."""
        value = self.resolve(readings)
        if value is None:
            raise Refused("bad_setting", key=self.setting, value="none", allowed="decimal")
        return value


@dataclass(frozen=True)
class RateItem:
    """A scored rate. `threshold` and `per` in percentage points (Q2); `at_most` bounds numerator/denominator."""

    item: str
    name: str
    source: str
    measure: Measure
    rule: RateRule
    points: Fraction
    higher_is_better: bool
    threshold: Amount
    slope: Amount
    per: Fraction
    cap: Amount
    at_most: int
    flag_when_empty: str | None
    ledger_kind: str | None

    def list_amounts(self) -> tuple[Amount, ...]:
        """Return every number a setting may override."""
        return self.threshold, self.slope, self.cap


@dataclass(frozen=True)
class LedgerItem:
    """A line scored from ledger entries of one kind; `points` is the item's worth (base) or its cap (bonus, minus)."""

    item: str
    name: str
    source: str
    kind: str
    part: Part
    rule: LedgerRule
    points: Fraction | None
    amount: Amount
    levels: Mapping[str, Amount]
    absent_level: str | None
    block: int
    lowest: Fraction
    highest: Fraction
    cap: Amount
    uncapped_levels: frozenset[str]

    def list_amounts(self) -> tuple[Amount, ...]:
        """Return every number a setting may override."""
        return self.amount, self.cap, *self.levels.values()


@dataclass(frozen=True)
class Example:
    """A worked example of a scheme file: facts, what to expect, and variants (`others`: changed facts, expected)."""

    name: str
    facts: Mapping[str, Any]
    expect: Mapping[str, Any]
    variants: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Tier:
    """分档: the totals from `at_least` up (Q52)."""

    id: str
    name: str
    at_least: Fraction


#: Measures of the institution that takes in and dispatches (Annex 1).
INSTITUTION_MEASURES = frozenset({Measure.CONNECT, Measure.DISPATCH})


@dataclass(frozen=True)
class Scheme:
    """One scheme file. Rates, ledger, bonus and minus are for sheets; the last four fields for regions and periods."""

    id: str
    name: str
    basis: str
    version: str
    kind: SchemeKind
    title: Mapping[str, str] = field(default_factory=dict)  # language → what it is called in lists; else `name`
    totals: bool = True
    counts_assignments: bool = False
    readings: tuple[str, ...] = ()
    rates: tuple[RateItem, ...] = ()
    ledger: tuple[LedgerItem, ...] = ()
    examples: tuple[Example, ...] = ()
    unit_scheme: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()
    carries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exempts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def list_settings(self) -> dict[str, str]:
        """Return setting key → default of each number of the scheme that is a setting."""
        items: list[RateItem | LedgerItem] = [*self.rates, *self.ledger]
        amounts = [amount for item in items for amount in item.list_amounts()]
        return {amount.setting: amount.default for amount in amounts if amount.setting}

    def list_part(self, part: Part) -> tuple[LedgerItem, ...]:
        """Return the ledger items of one part of the sheet, in printed order."""
        return tuple(item for item in self.ledger if item.part is part)

    @property
    def scores_institutions(self) -> bool:
        """Whether it scores management institutions rather than handling units."""
        return any(rate.measure in INSTITUTION_MEASURES for rate in self.rates)

    def list_kinds(self) -> frozenset[str]:
        """Return the ledger kinds of the scheme."""
        fed = {rate.ledger_kind for rate in self.rates if rate.ledger_kind}
        return frozenset(fed | {item.kind for item in self.ledger})

    def list_carried(self, kind: str) -> tuple[str, ...]:
        """Return the fields a ledger line of that kind must carry (B4); of one not declared: a note and evidence."""
        return self.carries.get(kind, (Carried.NOTE, Carried.EVIDENCE))

    def list_exemptions(self, kind: str) -> tuple[str, ...]:
        """Return the reasons for which a line of that kind does not count although it happened (B47, B49)."""
        return self.exempts.get(kind, ())

    def find_rate(self, item: str) -> RateItem | None:
        """Return the rate item of that id, or None."""
        return next((rate for rate in self.rates if rate.item == item), None)
