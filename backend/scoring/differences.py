"""Compare two results: every unit, line and region that changed, with both figures (B3)."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

from backend.domain.scoring.exact import Rounding
from backend.scoring.shapes import (
    LineChange,
    LineFigures,
    RegionChange,
    ResultChange,
    SheetChange,
    TotalChange,
    UnitChange,
)

CENTS = Rounding(2)
COMPARED = ("numerator", "denominator", "deduction", "score")


def diff_results(old: Mapping[str, Any], new: Mapping[str, Any]) -> ResultChange:
    """Compare two results of a period: `{"units": [...], "regions": [...]}`, changed rows only."""
    return {
        "units": cast(list[UnitChange], _diff_rows(old["units"], new["units"], "unit", diff_sheets)),
        "regions": cast(
            list[RegionChange], _diff_rows(old.get("regions", ()), new.get("regions", ()), "region", _diff_totals)
        ),
    }


def diff_sheets(old: Mapping[str, Any], new: Mapping[str, Any]) -> SheetChange:
    """Compare two sheets of one unit: the totals, and the lines that changed."""
    before = {line["item"]: line for line in old.get("lines", ())}
    lines: list[LineChange] = []
    for line in new.get("lines", ()):
        was = before.pop(line["item"], {})
        if any(was.get(key) != line.get(key) for key in COMPARED):
            lines.append(_diff_line(line, was, line))
    lines += [_diff_line(gone, gone, {}) for gone in before.values()]
    return {**_diff_totals(old, new), "lines": lines}


def _diff_line(named: Mapping[str, Any], was: Mapping[str, Any], now: Mapping[str, Any]) -> LineChange:
    return {
        "item": named["item"], "name": named.get("name", named["item"]),
        "old": _pick_figures(was), "new": _pick_figures(now),
        "change": format_change(was.get("score"), now.get("score")),
    }  # fmt: skip


def _pick_figures(line: Mapping[str, Any]) -> LineFigures:
    return cast(LineFigures, {key: line.get(key) for key in COMPARED})


def _diff_totals(old: Mapping[str, Any], new: Mapping[str, Any]) -> TotalChange:
    was, now = old.get("total"), new.get("total")
    return {"old": was, "new": now, "change": format_change(was, now)}


def _diff_rows(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], key: str, compare: Any
) -> list[dict[str, Any]]:
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
