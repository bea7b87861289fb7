"""Turn counted rates into points: thresholds, slopes, caps, and what happens without data (Q1-Q10)."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType

from backend.domain.refusals import Refused
from backend.domain.scoring.exact import HUNDRED, ZERO, format_decimal
from backend.domain.scoring.facts import Facts, Rate
from backend.domain.scoring.readings import Readings
from backend.domain.scoring.scheme import Part, RateItem, RateRule, Scheme
from backend.domain.scoring.sheet import NO_DATA, SheetLine

#: slope mode → how many times the slope is deducted for a gap (Q1)
_STEPS: Mapping[str, Callable[[Fraction], Fraction]] = MappingProxyType(
    {
        "proportional": lambda gap: gap,
        "step_floor": lambda gap: Fraction(math.floor(gap)),
        "step_ceil": lambda gap: Fraction(math.ceil(gap)),
    }
)


def compute_rate_lines(scheme: Scheme, facts: Facts, readings: Readings) -> tuple[SheetLine, ...]:
    """Compute one line per rate item, in the scheme's order; without data by `scoring.zero_denominator` (Q9)."""
    counted = {
        item.item: _compute_line(item, facts, readings) for item in scheme.rates if facts.rates[item.item].denominator
    }
    earned = sum((line.score for line in counted.values()), ZERO)
    worth = sum((line.points for line in counted.values()), ZERO)
    share = earned / worth if worth else Fraction(1)
    return tuple(
        counted[item.item] if item.item in counted else _build_empty_line(item, facts, readings, share)
        for item in scheme.rates
    )


def compute_deduction(item: RateItem, rate: Rate, readings: Readings) -> Fraction:
    """Compute the exact points lost on a rate with a denominator, from the exact rate, never a rounded one (Q4)."""
    exact = Fraction(*_with_tolerance(item, rate, readings))
    if item.rule is RateRule.SHOWN:
        return ZERO
    if item.rule is RateRule.WEIGHTED:
        return item.points * (1 - exact if item.higher_is_better else exact)
    gap = item.threshold.resolve_required(readings) - exact * HUNDRED
    gap = max(ZERO, gap if item.higher_is_better else -gap)
    lost = item.slope.resolve_required(readings) * _STEPS[readings.slope_mode(item.item)](gap / item.per)
    return min(lost, _get_cap(item, readings))


def _get_cap(item: RateItem, readings: Readings) -> Fraction:
    """Return the cap, at most the item's points, so that an item never goes below zero. Refused `bad_setting`."""
    cap = item.cap.resolve(readings)
    if cap is None:
        return item.points
    if cap > item.points:
        raise Refused(
            "bad_setting", key=item.cap.setting, value=format_decimal(cap), allowed=f"<= {format_decimal(item.points)}"
        )
    return cap


def _with_tolerance(item: RateItem, rate: Rate, readings: Readings) -> tuple[int, int]:
    """Return the counts less `scoring.tolerance_count` forgiven failures (Q10); the sheet prints the true counts."""
    forgiven = readings.integer("scoring.tolerance_count")
    if item.higher_is_better:
        return min(rate.denominator, rate.numerator + forgiven), rate.denominator
    return max(0, rate.numerator - forgiven), rate.denominator


def _compute_line(item: RateItem, facts: Facts, readings: Readings) -> SheetLine:
    rate = facts.rates[item.item]
    lost = compute_deduction(item, rate, readings)
    return SheetLine(
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
        answers=_list_answers(item, facts),
    )


def _list_answers(item: RateItem, facts: Facts) -> dict[str, int] | None:
    """Return who was reached, who answered, and whose silence is deemed satisfaction (XD15); None if not known."""
    known = facts.answers.get(item.item)
    if known is None:
        return None
    deemed = facts.rates[item.item].denominator - known.answered
    return {"reached": known.reached, "answered": known.answered, "deemed": deemed}


def _build_empty_line(item: RateItem, facts: Facts, readings: Readings, share: Fraction) -> SheetLine:
    """Return the line of an item without data.

    `full`: full points, since nothing failed. `exclude_and_rescale`: the share the counted items earned; the sum is
    the same as scoring those alone and rescaling to all points. `carry_last`: the last known score (`last` in the
    facts), else full points.
    """
    mode = readings.choice("scoring.zero_denominator")
    score, evidence = item.points, facts.evidence.get(item.item, ())
    if mode == "exclude_and_rescale":
        score = item.points * share
    elif mode == "carry_last" and item.item in facts.last:
        score = facts.last[item.item]
        evidence = (*evidence, {"carried": format_decimal(score)})
    return SheetLine(
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
        answers=_list_answers(item, facts),
    )
