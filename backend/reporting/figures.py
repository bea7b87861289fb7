"""Compute a bulletin's figures from counted rows, purely and exactly: sums, shares, changes (practice 5.6)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from backend.domain.scoring.measures import BASES, Measure
from backend.ports.reporting import (
    ClosedCount,
    DispatchCount,
    Figures,
    ReceivedCount,
    VisitedCount,
    WorkloadCount,
)
from backend.reporting.document import Number, Percent

MICROSECONDS_PER_HOUR = 3_600 * 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Ratio:
    """A rate as counted: numerator and denominator."""

    numerator: int = 0
    denominator: int = 0

    @property
    def percent(self) -> Percent | None:
        """The rate; None if the denominator is 0."""
        return compute_share(self.numerator, self.denominator)


def compute_share(part: int, whole: int) -> Percent | None:
    """Return part / whole; None if whole is 0."""
    return Percent(Fraction(part, whole)) if whole else None


def compute_growth(now: int, before: int) -> Percent | None:
    """Return the relative growth; None if `before` is 0."""
    return Percent(Fraction(now - before, before)) if before else None


def compute_point_change(now: Percent | None, before: Percent | None) -> Number | None:
    """Return the change of a rate in percentage points; None if either is missing."""
    return None if now is None or before is None else Number((now.value - before.value) * 100)


def count_by(received: Iterable[ReceivedCount], key: Callable[[ReceivedCount], str]) -> Counter[str]:
    """Sum the demands by `key`."""
    found: Counter[str] = Counter()
    for row in received:
        found[key(row)] += row.count
    return found


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """The figures and rates of one span."""

    figures: Figures
    rates: Mapping[Measure, Ratio]

    def sum_received(self, column: Callable[[ReceivedCount], int]) -> int:
        """Sum a column of 受理."""
        return sum(map(column, self.figures.received))

    def sum_given(self, column: Callable[[DispatchCount], int]) -> int:
        """Sum a column of 派单."""
        return sum(map(column, self.figures.dispatches))

    def sum_closed(self, column: Callable[[ClosedCount], int]) -> int:
        """Sum a column of 办结."""
        return sum(map(column, self.figures.closed))

    def sum_in_hand(self, column: Callable[[WorkloadCount], int]) -> int:
        """Sum a column of what is in hand."""
        return sum(map(column, self.figures.in_hand))

    @property
    def urgent(self) -> int:
        """Urgent demands (紧急)."""
        return sum(row.count for row in self.figures.received if row.grade == "urgent")

    @property
    def hours(self) -> Number | None:
        """Average hours from 工单生成 to 派单."""
        waited = self.figures.dispatch_waited
        return Number(Fraction(self.figures.dispatch_wait, waited * MICROSECONDS_PER_HOUR)) if waited else None

    def count_requests(self, kind: str, *decisions: str) -> int:
        """Count requests of a kind, with one of `decisions` if any is given."""
        return sum(
            a.count for a in self.figures.requests if a.kind == kind and (not decisions or a.decision in decisions)
        )

    def count_visited(self, *verdicts: str, where: Callable[[VisitedCount], bool] = lambda _: True) -> int:
        """Count visited tickets with one of `verdicts` (none given: any) of which `where` holds."""
        return sum(v.count for v in self.figures.visited if (not verdicts or v.verdict in verdicts) and where(v))

    def get_answers(self, measure: Measure) -> Mapping[str, int]:
        """Return what a satisfaction rate rests on: reached, answered, deemed satisfied (XD15); {} for other rates."""
        basis = BASES.get(measure)
        if basis is None:
            return {}
        whole = self.get_ratio(measure).denominator
        answered = whole if basis.answered is None else self.get_ratio(basis.answered).numerator
        return {"reached": self.get_ratio(basis.reached).numerator, "answered": answered, "deemed": whole - answered}

    def get_ratio(self, measure: Measure) -> Ratio:
        """Return a rate as scoring counts it, all units together."""
        return self.rates.get(measure, Ratio())

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened at all."""
        return not (
            self.sum_received(lambda row: row.count)
            or self.sum_given(lambda row: row.count)
            or self.sum_closed(lambda row: row.count)
            or self.count_visited()
        )
