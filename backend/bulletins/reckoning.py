"""From counted rows to the figures a bulletin names, purely and exactly: sums, shares, changes (practice 5.6)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from backend.bulletins.document import Number, Rate
from backend.domain.scoring.measures import Measure
from backend.ports.bulletins import Figures, Received

HOUR = 3_600 * 1_000_000  # microseconds
GOOD = ("satisfied", "basically_satisfied")


@dataclass(frozen=True, slots=True)
class Pair:
    """A rate as it was counted."""

    numerator: int = 0
    denominator: int = 0

    @property
    def rate(self) -> Rate | None:
        """None where nothing was to be counted."""
        return share(self.numerator, self.denominator)


def share(part: int, whole: int) -> Rate | None:
    """A part of a whole; None of nothing."""
    return Rate(Fraction(part, whole)) if whole else None


def change(now: int, before: int) -> Rate | None:
    """By how much it grew; None where there was nothing before."""
    return Rate(Fraction(now - before, before)) if before else None


def points(now: Rate | None, before: Rate | None) -> Number | None:
    """By how many percentage points a rate moved."""
    return None if now is None or before is None else Number((now.value - before.value) * 100)


def by(received: Iterable[Received], key: Callable[[Received], str]) -> Counter[str]:
    """How many demands of each word."""
    found: Counter[str] = Counter()
    for row in received:
        found[key(row)] += row.count
    return found


@dataclass(frozen=True, slots=True)
class Work:
    """The figures of one span."""

    figures: Figures
    rates: Mapping[Measure, Pair]

    def got(self, name: str) -> int:
        """A column of 受理 in all: count, direct, mass, repeated, bounced, merged, cancelled."""
        return sum(getattr(row, name) for row in self.figures.received)

    def sent(self, name: str) -> int:
        """A column of 派单 in all: count, leads, signed, auto, waiting."""
        return sum(getattr(row, name) for row in self.figures.given)

    def shut(self, name: str) -> int:
        """A column of 办结 in all: count, once, twice, explained."""
        return sum(getattr(row, name) for row in self.figures.closed)

    def held(self, name: str) -> int:
        """A column of what is in hand in all: due, yellow, red, open, overdue."""
        return sum(getattr(row, name) for row in self.figures.in_hand)

    @property
    def urgent(self) -> int:
        """紧急."""
        return sum(row.count for row in self.figures.received if row.grade == "urgent")

    @property
    def hours(self) -> Number | None:
        """Average hours from 工单生成 to 派单."""
        waited = self.figures.dispatch_waited
        return Number(Fraction(self.figures.dispatch_wait, waited * HOUR)) if waited else None

    def asked(self, kind: str, *decisions: str) -> int:
        """Requests of a kind; those of these decisions only, when any is named."""
        return sum(a.count for a in self.figures.asked if a.kind == kind and (not decisions or a.decision in decisions))

    def visited(self, *verdicts: str, **marks: bool) -> int:
        """Visited tickets of these verdicts (any when none is named) and marks (`reached=True` …)."""
        return sum(
            v.count
            for v in self.figures.visited
            if (not verdicts or v.verdict in verdicts) and all(getattr(v, name) == is_ for name, is_ in marks.items())
        )

    def rate(self, measure: Measure) -> Pair:
        """A rate as the marks count it, all units together."""
        return self.rates.get(measure, Pair())

    @property
    def empty(self) -> bool:
        """Nothing happened at all."""
        return not (self.got("count") or self.sent("count") or self.shut("count") or self.visited())
