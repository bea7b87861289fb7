"""Compare two results: every unit, line and region that changed, with both figures (B3)."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from backend.domain.scoring.exact import Rounding

CENTS = Rounding(2)
COMPARED = ("numerator", "denominator", "deduction", "score")
Diff = dict[str, object]


def diff_results(old: Mapping[str, Any], new: Mapping[str, Any]) -> Diff:
    """Compare two results of a period: `{"units": [...], "regions": [...]}`, changed rows only."""
    return {
        "units": _diff_rows(old["units"], new["units"], "unit", diff_sheets),
        "regions": _diff_rows(old.get("regions", ()), new.get("regions", ()), "region", _diff_totals),
    }


def diff_sheets(old: Mapping[str, Any], new: Mapping[str, Any]) -> Diff:
    """Compare two sheets of one unit: the totals, and the lines that changed."""
    before = {line["item"]: line for line in old.get("lines", ())}
    lines = []
    for line in new.get("lines", ()):
        was = before.pop(line["item"], {})
        if any(was.get(key) != line.get(key) for key in COMPARED):
            lines.append(_diff_line(line, was, line))
    lines += [_diff_line(gone, gone, {}) for gone in before.values()]
    return {**_diff_totals(old, new), "lines": lines}


def _diff_line(named: Mapping[str, Any], was: Mapping[str, Any], now: Mapping[str, Any]) -> Diff:
    return {
        "item": named["item"], "name": named.get("name", named["item"]),
        "old": {key: was.get(key) for key in COMPARED}, "new": {key: now.get(key) for key in COMPARED},
        "change": format_change(was.get("score"), now.get("score")),
    }  # fmt: skip


def _diff_totals(old: Mapping[str, Any], new: Mapping[str, Any]) -> Diff:
    was, now = old.get("total"), new.get("total")
    return {"old": was, "new": now, "change": format_change(was, now)}


def _diff_rows(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], key: str, compare: Any
) -> list[Diff]:
    before = {row[key]: row for row in old}
    found = []
    for row in [*new, *(r for code, r in before.items() if code not in {n[key] for n in new})]:
        there = row if row in new else {}
        one = {key: row[key], "name": row.get("name", row[key]), **compare(before.get(row[key], {}), there)}
        if one["old"] != one["new"] or one.get("lines"):
            found.append(one)
    return found


def format_change(old: str | None, new: str | None) -> str | None:
    """Format the difference of two scores: "-0.50", "+1.00"; None if either is missing."""
    if old is None or new is None:
        return None
    more = Fraction(new) - Fraction(old)
    return f"{'+' if more > 0 else ''}{CENTS.format(more)}"
