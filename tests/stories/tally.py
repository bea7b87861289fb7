"""The story's own bookkeeping: plain counts of what its people did, and Annex 2 worked out by hand from them."""

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
DAILY = 20  # points of the daily management of a unit about which nothing was noted


class Tally:
    """Counted when somebody does something, never read from the product."""

    def __init__(self) -> None:
        self.counts: Counts = defaultdict(lambda: {item: [0, 0] for item in ITEMS})

    def one(self, unit: str, item: str, numerator: int | bool, denominator: int = 1) -> None:
        """One more."""
        cell = self.counts[unit][item]
        cell[0] += numerator
        cell[1] += denominator


def cents(value: Fraction) -> Decimal:
    """Two places, half up."""
    exact = Decimal(value.numerator * 1_000_000 // value.denominator) / 1_000_000
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def score(item: str, numerator: int, denominator: int) -> Decimal:
    """The score of a line; where nothing was owed nothing is lost (Q9)."""
    points, threshold, slope, more = ANNEX[item]
    if not denominator:
        return Decimal(points).quantize(Decimal("0.01"))
    rate = Fraction(numerator * 100, denominator)
    beyond = threshold - rate if more else rate - threshold
    return cents(points - min(max(beyond, Fraction(0)) * slope, Fraction(points)))


def total(counts: dict[str, list[int]]) -> Decimal:
    """The total of a sheet without ledger lines."""
    return sum((score(item, *counts[item]) for item in ITEMS), Decimal(DAILY))
