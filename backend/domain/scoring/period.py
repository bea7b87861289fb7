"""Score a quarter or year: the mean of its scored months; unscored months are skipped but shown (B12, Q52)."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.scoring.exact import HUNDRED, ZERO, format_value
from backend.domain.scoring.facts import check_fields, parse_array
from backend.domain.scoring.readings import ROUNDING, Readings
from backend.domain.scoring.region import get_part_rounding, parse_total
from backend.domain.scoring.scheme import Part, Scheme
from backend.domain.scoring.sheet import NO_ASSIGNMENT, ScoreSheet, SheetLine

_KEYS = ("scheme", "settings", "kind", "months", "unit", "region", "period", "name", "note")


@dataclass(frozen=True)
class PeriodFacts:
    """`kind` (quarter, year) and the published totals of its months so far; None: a month without a score."""

    kind: str
    months: tuple[Fraction | None, ...]


def parse_period_facts(document: Mapping[str, Any], scheme: Scheme) -> PeriodFacts:
    """Parse the facts of a period. Refused `unknown_field`, `bad_facts`, `not_a_number`, `out_of_range`."""
    check_fields(document, _KEYS, "")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in scheme.lengths:
        raise Refused("bad_facts", path="kind", found=format_value(kind))
    rows = parse_array(document.get("months", []), "months")
    if len(rows) > scheme.lengths[kind]:
        raise Refused("out_of_range", path="months", value=len(rows), lowest=0, highest=scheme.lengths[kind])
    return PeriodFacts(kind, tuple(parse_total(row, f"months[{n}]") for n, row in enumerate(rows)))


def compute_period(
    facts: PeriodFacts, scheme: Scheme, settings: Mapping[str, Any] = MappingProxyType({})
) -> ScoreSheet:
    """Compute the mean of the scored months, rounded once; without any there is no total."""
    readings = Readings.parse(settings)
    scored = [month for month in facts.months if month is not None]
    mean = sum(scored, ZERO) / len(scored) if scored else None
    share = Fraction(1, len(scored)) if scored else ZERO
    return ScoreSheet(
        scheme=scheme.id,
        version=scheme.version,
        total=None if mean is None else readings.rounding.round(mean),
        raw_total=mean,
        base=mean or ZERO,
        bonus=ZERO,
        minus=ZERO,
        flags=() if scored else (NO_ASSIGNMENT,),
        lines=tuple(_build_line(n, scheme, month, share) for n, month in enumerate(facts.months, start=1)),
        rounding=readings.rounding,
        readings=readings.select((f"period.{facts.kind}", ROUNDING)),
        part_rounding=get_part_rounding(readings.rounding),
    )


def _build_line(n: int, scheme: Scheme, month: Fraction | None, share: Fraction) -> SheetLine:
    """Return a month's line: `rate` is its total, `score` its part of the mean."""
    name = scheme.names.get("month", "{n}").replace("{n}", str(n))
    if month is None:
        return SheetLine(f"month_{n}", name, Part.BASE, ZERO, ZERO, ZERO, note=NO_ASSIGNMENT)
    points = share * HUNDRED
    score = share * month
    return SheetLine(f"month_{n}", name, Part.BASE, points, points - score, score, rate=month / HUNDRED)


def find_period_before(period: str) -> str:
    """Return the month, quarter or year before one, written as it is: 2026-01 → 2025-12, 2026Q1 → 2025Q4, 2026 → 2025."""
    year, part = int(period[:4]), period[5:]
    if not part:
        return str(year - 1)
    last = 4 if period[4] == "Q" else 12
    before = int(part) - 1
    year, before = (year, before) if before else (year - 1, last)
    return f"{year}Q{before}" if last == 4 else f"{year}-{before:02}"
