"""Marks by hand: from counts to the totals of units, institutions, regions, quarters and years, written from the annexes.

Nothing of the product is imported here. No ledger line is known: the daily management of a unit is whole, and an
institution loses the five points of a class of problems it did not govern (B23).
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

Pairs = Mapping[str, Sequence[int]]


def cents(value: Fraction) -> Fraction:
    """Two decimals, half up."""
    return Fraction((value * 100 + Fraction(1, 2)).__floor__(), 100)


def item(pair: Sequence[int], points: int, threshold: int, step: int, higher: bool) -> Fraction:
    """What an item scores, as published."""
    if not pair[1]:
        return Fraction(points)
    rate = Fraction(pair[0] * 100, pair[1])
    gap = threshold - rate if higher else rate - threshold
    return cents(max(Fraction(0), points - max(Fraction(0), gap) / step))


def unit(pairs: Pairs) -> Fraction | None:
    """A unit's month; None when it took no part: nothing came, was in hand, closed or returned (Q9, Q51)."""
    if not any(pairs.get(name, [0, 0])[1] for name in ("assignments", "red_card", "on_time", "return")):
        return None
    return sum((item(pairs.get(name, [0, 0]), *rule) for name, rule in UNIT.items()), Fraction(UNIT_DAILY))


def institution(pairs: Pairs) -> Fraction | None:
    """An institution's month; None when nobody turned to it."""
    if not pairs.get("dispatch", [0, 0])[1]:
        return None
    return item(pairs["dispatch"], *DISPATCH) + INSTITUTION_OTHERWISE


def region(managing: Fraction | None, units: Sequence[Fraction | None]) -> Fraction | None:
    """40/60; None when either side is missing."""
    scored = [one for one in units if one is not None]
    if managing is None or not scored:
        return None
    return cents(Fraction(4, 10) * managing + Fraction(6, 10) * sum(scored, Fraction(0)) / len(scored))


def mean(months: Sequence[Fraction | None]) -> Fraction | None:
    """A quarter's or a year's mark: the mean of the months that have one."""
    scored = [one for one in months if one is not None]
    return cents(sum(scored, Fraction(0)) / len(scored)) if scored else None


def ranks(marks: Mapping[str, Fraction | None]) -> dict[str, int | None]:
    """Places; equals share one, the next is counted on; without a mark there is none."""
    better: dict[Fraction, int] = defaultdict(int)
    for one in {m for m in marks.values() if m is not None}:
        better[one] = sum(other is not None and other > one for other in marks.values())
    return {name: None if mark is None else better[mark] + 1 for name, mark in marks.items()}


def written(mark: Fraction | None) -> str | None:
    """As a sheet writes it."""
    return None if mark is None else f"{int(mark * 100) // 100}.{int(mark * 100) % 100:02d}"
