"""Scores by hand: from counts to the totals of units, institutions, regions and periods, written from the annexes.

Nothing of the product is imported here, on purpose. No ledger line is known: the daily management of a unit is whole,
and an institution loses the five points for a class of problems it did not govern (B23).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

#: item: points, threshold in per cent, percentage points a step, whether more is better (B33, B36, B38, B40, B41, B43)
UNIT = {
    "sign": (15, 95, 1, True), "return": (10, 95, 1, True), "on_time": (20, 95, 1, True),
    "extension": (5, 10, 5, False), "red_card": (10, 10, 1, False), "satisfaction": (20, 95, 1, True),
}  # fmt: skip
UNIT_DAILY = 20
INSTITUTION_OTHERWISE = 20 + 15 + 5 + 15 + 10 + 10  # connect without data, and all but governance
DISPATCH = (20, 95, 1, True)

Pairs = Mapping[str, Sequence[int]]  # measure: numerator, denominator
Total = Fraction | None


def round_half_up(value: Fraction) -> Fraction:
    """Return two decimals."""
    return Fraction((value * 100 + Fraction(1, 2)).__floor__(), 100)


def score_item(pair: Sequence[int], points: int, threshold: int, step: int, more_is_better: bool) -> Fraction:
    """Return the score of an item, as published."""
    if not pair[1]:
        return Fraction(points)
    rate = Fraction(pair[0] * 100, pair[1])
    gap = threshold - rate if more_is_better else rate - threshold
    return round_half_up(max(Fraction(0), points - max(Fraction(0), gap) / step))


def score_unit(pairs: Pairs) -> Total:
    """Return the total of a unit's month; None if nothing came, was in hand, closed or returned (Q9, Q51)."""
    if not any(pairs.get(name, [0, 0])[1] for name in ("assignments", "red_card", "on_time", "return")):
        return None
    return sum((score_item(pairs.get(name, [0, 0]), *rule) for name, rule in UNIT.items()), Fraction(UNIT_DAILY))


def score_institution(pairs: Pairs) -> Total:
    """Return the total of an institution's month; None when nobody turned to it."""
    if not pairs.get("dispatch", [0, 0])[1]:
        return None
    return score_item(pairs["dispatch"], *DISPATCH) + INSTITUTION_OTHERWISE


def score_region(institution: Total, units: Sequence[Total]) -> Total:
    """Return 40 % of the institution and 60 % of the mean of its units; None when either side is missing."""
    scored = [total for total in units if total is not None]
    if institution is None or not scored:
        return None
    return round_half_up(Fraction(4, 10) * institution + Fraction(6, 10) * sum(scored, Fraction(0)) / len(scored))


def average(months: Sequence[Total]) -> Total:
    """Return the total of a quarter or year: the mean of the months that have one."""
    scored = [total for total in months if total is not None]
    return round_half_up(sum(scored, Fraction(0)) / len(scored)) if scored else None


def rank(totals: Mapping[str, Total]) -> dict[str, int | None]:
    """Return the ranks: equals share one, the next is counted on; without a total there is none."""
    better: dict[Fraction, int] = defaultdict(int)
    for total in {total for total in totals.values() if total is not None}:
        better[total] = sum(other is not None and other > total for other in totals.values())
    return {name: None if total is None else better[total] + 1 for name, total in totals.items()}


def format_total(total: Total) -> str | None:
    """Return a total as a sheet prints it."""
    return None if total is None else f"{int(total * 100) // 100}.{int(total * 100) % 100:02d}"
