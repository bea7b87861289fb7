"""Turn counted rates into points: thresholds, slopes, caps, and what happens without data (Q1-Q10)."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType

from backend.domain.refusals import Refused
from backend.domain.scoring.exact import HUNDRED, ZERO, plain
from backend.domain.scoring.facts import Facts, Rate
from backend.domain.scoring.readings import Readings
from backend.domain.scoring.scheme import Part, RateItem, RateRule, Scheme
from backend.domain.scoring.sheet import NO_DATA, Line

#: slope mode → how many times the slope is deducted for a gap (Q1)
_STEPS: Mapping[str, Callable[[Fraction], Fraction]] = MappingProxyType(
    {
        "proportional": lambda gap: gap,
        "step_floor": lambda gap: Fraction(math.floor(gap)),
        "step_ceil": lambda gap: Fraction(math.ceil(gap)),
    }
)


def rate_lines(scheme: Scheme, facts: Facts, readings: Readings) -> tuple[Line, ...]:
    """Compute one line per rate item, in the scheme's order; without data by `scoring.zero_denominator` (Q9)."""
    counted = {
        item.item: _counted(item, facts, readings) for item in scheme.rates if facts.rates[item.item].denominator
    }
    earned = sum((line.score for line in counted.values()), ZERO)
    worth = sum((line.points for line in counted.values()), ZERO)
    share = earned / worth if worth else Fraction(1)
    return tuple(
        counted[item.item] if item.item in counted else _no_data(item, facts, readings, share) for item in scheme.rates
    )


def deduction(item: RateItem, rate: Rate, readings: Readings) -> Fraction:
    """Compute the exact points lost on a rate with a denominator, from the exact rate, never a rounded one (Q4)."""
    exact = Fraction(*_forgiven(item, rate, readings))
    if item.rule is RateRule.SHOWN:
        return ZERO
    if item.rule is RateRule.WEIGHTED:
        return item.points * (1 - exact if item.higher_is_better else exact)
    gap = item.threshold.sure(readings) - exact * HUNDRED
    gap = max(ZERO, gap if item.higher_is_better else -gap)
    lost = item.slope.sure(readings) * _STEPS[readings.slope_mode(item.item)](gap / item.per)
    return min(lost, _cap(item, readings))


def _cap(item: RateItem, readings: Readings) -> Fraction:
    """Return the cap, at most the item's points, so that an item never goes below zero. Refused `bad_setting`."""
    cap = item.cap.under(readings)
    if cap is None:
        return item.points
    if cap > item.points:
        raise Refused("bad_setting", key=item.cap.setting, value=plain(cap), allowed=f"<= {plain(item.points)}")
    return cap


def _forgiven(item: RateItem, rate: Rate, readings: Readings) -> tuple[int, int]:
    """Return the counts less `scoring.tolerance_count` forgiven failures (Q10); the sheet prints the true counts."""
    spared = readings.whole("scoring.tolerance_count")
    if item.higher_is_better:
        return min(rate.denominator, rate.numerator + spared), rate.denominator
    return max(0, rate.numerator - spared), rate.denominator


def _counted(item: RateItem, facts: Facts, readings: Readings) -> Line:
    rate = facts.rates[item.item]
    lost = deduction(item, rate, readings)
    return Line(
        item=item.item,
        name=item.name,
        part=Part.BASE,
        points=item.points,
        deduction=lost,
        score=item.points - lost,
        numerator=rate.numerator,
        denominator=rate.denominator,
        rate=Fraction(rate.numerator, rate.denominator),
        evidence=facts.evidence.get(item.item, ()),
    )


def _no_data(item: RateItem, facts: Facts, readings: Readings, share: Fraction) -> Line:
    """Return the line of an item without data.

    `full`: full points, since nothing failed. `exclude_and_rescale`: the share the counted items earned; the sum is
    the same as scoring those alone and rescaling to all points. `carry_last`: the last known score (`last` in the
    facts), else full points.
    """
    mode = readings.word("scoring.zero_denominator")
    score, evidence = item.points, facts.evidence.get(item.item, ())
    if mode == "exclude_and_rescale":
        score = item.points * share
    elif mode == "carry_last" and item.item in facts.last:
        score = facts.last[item.item]
        evidence = (*evidence, {"carried": plain(score)})
    return Line(
        item=item.item,
        name=item.name,
        part=Part.BASE,
        points=item.points,
        deduction=item.points - score,
        score=score,
        numerator=facts.rates[item.item].numerator,
        denominator=0,
        note=NO_DATA,
        evidence=evidence,
    )
