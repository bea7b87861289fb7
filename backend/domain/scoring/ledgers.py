"""Turn ledger entries (台账) into points: one function per rule of the annexes, then the cap (B18-B57)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from backend.domain.scoring.exact import ZERO, format_decimal
from backend.domain.scoring.facts import Entry, Facts
from backend.domain.scoring.readings import Readings
from backend.domain.scoring.scheme import LedgerItem, LedgerRule, Part, Scheme
from backend.domain.scoring.sheet import SheetLine

Entries = tuple[Entry, ...]
Rule = Callable[[LedgerItem, Entries, Readings], Fraction]


def _count_events(entries: Iterable[Entry]) -> int:
    return sum(entry.count for entry in entries)


def _level(line: LedgerItem, entry: Entry, readings: Readings) -> Fraction:
    value = line.levels.get(entry.level or "")
    return value.resolve_required(readings) if value else ZERO


def _per_event(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    return line.amount.resolve_required(readings) * _count_events(entries)


def _per_level(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    return sum((_level(line, entry, readings) * entry.count for entry in entries), ZERO)


def _highest_per_matter(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    """Each entry without a matter counts by itself; a matter counted earlier adds only the difference."""
    best: dict[str, Fraction] = defaultdict(lambda: ZERO)
    already: dict[str, Fraction] = defaultdict(lambda: ZERO)
    alone = ZERO
    for entry in entries:
        value = _level(line, entry, readings)
        if entry.matter is None:
            alone += value * entry.count
        elif entry.count:
            best[entry.matter] = max(best[entry.matter], value)
            already[entry.matter] = max(already[entry.matter], entry.already)
    return alone + sum((max(ZERO, value - already[matter]) for matter, value in best.items()), ZERO)


def _worst_level(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    return max((_level(line, entry, readings) for entry in entries), default=ZERO)


def _absent(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    return ZERO if _count_events(entries) else line.amount.resolve_required(readings)


def _beyond_first(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    return line.amount.resolve_required(readings) * max(0, _count_events(entries) - 1)


def _per_block(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    return line.amount.resolve_required(readings) * (_count_events(entries) // line.block)


def _graded(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    return sum(((entry.points or ZERO) * entry.count for entry in entries), ZERO)


RULES: Mapping[LedgerRule, Rule] = MappingProxyType(
    {
        LedgerRule.PER_EVENT: _per_event,
        LedgerRule.PER_LEVEL: _per_level,
        LedgerRule.HIGHEST_PER_MATTER: _highest_per_matter,
        LedgerRule.WORST_LEVEL: _worst_level,
        LedgerRule.ABSENT: _absent,
        LedgerRule.BEYOND_FIRST: _beyond_first,
        LedgerRule.PER_BLOCK: _per_block,
        LedgerRule.GRADED: _graded,
    }
)


def compute_ledger_lines(scheme: Scheme, part: Part, facts: Facts, readings: Readings) -> tuple[SheetLine, ...]:
    """Compute all lines of one part of the sheet, including those without entries."""
    return tuple(_compute_line(line, facts.list_entries(line.kind), readings) for line in scheme.list_part(part))


def compute_amount(line: LedgerItem, entries: Entries, readings: Readings) -> Fraction:
    """Compute exact points after the cap; `scoring.criticism_cap = province_only` exempts `uncapped_levels` (Q27)."""
    rule = RULES[line.rule]
    cap = line.cap.resolve(readings)
    if cap is None:
        return rule(line, entries, readings)
    uncapped: Entries = ()
    if line.uncapped_levels and readings.choice("scoring.criticism_cap") == "province_only":
        uncapped = tuple(entry for entry in entries if entry.level in line.uncapped_levels)
    capped = tuple(entry for entry in entries if entry not in uncapped)
    return min(cap, rule(line, capped, readings)) + (rule(line, uncapped, readings) if uncapped else ZERO)


def _compute_line(line: LedgerItem, entries: Entries, readings: Readings) -> SheetLine:
    points = compute_amount(line, entries, readings)
    worth = line.points or line.cap.resolve(readings) or ZERO
    lost = ZERO if line.part is Part.BONUS else points
    score = {Part.BASE: worth - lost, Part.BONUS: points, Part.MINUS: -lost}[line.part]
    return SheetLine(
        item=line.item,
        name=line.name,
        part=line.part,
        points=worth,
        deduction=lost,
        score=score,
        numerator=_count_events(entries),
        evidence=tuple(_build_evidence(entry) for entry in entries),
    )


def _build_evidence(entry: Entry) -> dict[str, Any]:
    """Return the entry as the sheet shows it, without empty values."""
    shown = {
        "kind": entry.kind,
        "count": entry.count,
        "level": entry.level,
        "matter": entry.matter,
        "points": None if entry.points is None else format_decimal(entry.points),
        "already": format_decimal(entry.already) if entry.already else None,
        "note": entry.note or None,
        "evidence": entry.evidence,
    }
    return {key: value for key, value in shown.items() if value is not None}
