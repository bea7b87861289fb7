"""The story's own count of what its people did, and Annex 2 worked out from it independently of the product."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

Counts = dict[str, dict[str, list[int]]]  # unit → item → [numerator, denominator]
ITEMS = ("sign", "return", "on_time", "extension", "red_card", "satisfaction")
#: item → points, threshold, points lost for each percentage point beyond it, whether more is better (B33-B43)
ANNEX = {
    "sign": (15, 95, Fraction(1), True), "return": (10, 95, Fraction(1), True), "on_time": (20, 95, Fraction(1), True),
    "extension": (5, 10, Fraction(1, 5), False), "red_card": (10, 10, Fraction(1), False),
    "satisfaction": (20, 95, Fraction(1), True),
}  # fmt: skip
DAILY = 20  # points for daily management where nothing is on record


class Tally:
    """Counts kept when somebody does something, never read from the product."""

    def __init__(self) -> None:
        self.counts: Counts = defaultdict(lambda: {item: [0, 0] for item in ITEMS})

    def add(self, unit: str, item: str, numerator: int | bool, denominator: int = 1) -> None:
        """Count one more."""
        cell = self.counts[unit][item]
        cell[0] += numerator
        cell[1] += denominator


def round_half_up(value: Fraction) -> Decimal:
    """Two decimal places, half up."""
    exact = Decimal(value.numerator * 1_000_000 // value.denominator) / 1_000_000
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def score(item: str, numerator: int, denominator: int) -> Decimal:
    """The score of an item; where nothing was owed nothing is lost (Q9)."""
    points, threshold, slope, more_is_better = ANNEX[item]
    if not denominator:
        return Decimal(points).quantize(Decimal("0.01"))
    rate = Fraction(numerator * 100, denominator)
    beyond = threshold - rate if more_is_better else rate - threshold
    return round_half_up(points - min(max(beyond, Fraction(0)) * slope, Fraction(points)))


def total(counts: dict[str, list[int]]) -> Decimal:
    """The total of a sheet without ledger lines."""
    return sum((score(item, *counts[item]) for item in ITEMS), Decimal(DAILY))
