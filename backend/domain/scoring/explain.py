"""Explain a score line in figures: threshold, gap, steps, amount, cap (B3); adapters put them into sentences."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from backend.domain.scoring.exact import HUNDRED, ZERO, Rounding, format_decimal
from backend.domain.scoring.measures import Measure
from backend.domain.scoring.readings import Readings
from backend.domain.scoring.scheme import LedgerItem, LedgerRule, Part, RateItem, RateRule, Scheme
from backend.domain.scoring.sheet import NO_DATA

CENTS = Rounding(2)


def explain(scheme: Scheme, line: Mapping[str, object], settings: Mapping[str, object]) -> dict[str, object]:
    """Return the figures behind a sheet's line, with `formula`: the text key of the sentence that explains them.

    `basis` is the paragraph. For a line the scheme does not have, both are empty.
    """
    readings = Readings.parse(settings, scheme.list_settings())
    rate = scheme.find_rate(str(line["item"]))
    if rate is not None:
        return _explain_rate(rate, line, readings)
    part = str(line.get("part", ""))
    same = [i for i in scheme.ledger if i.item == line["item"] and (not part or i.part == part)]
    return _explain_ledger(same[0], line, readings) if same else {"formula": "", "basis": ""}


def _explain_rate(item: RateItem, line: Mapping[str, Any], readings: Readings) -> dict[str, Any]:
    figures: dict[str, object] = {
        "basis": item.source, "points": format_decimal(item.points), "numerator": line["numerator"],
        "denominator": line["denominator"], "rate": line["rate"], "deduction": line["deduction"], "score": line["score"],
    }  # fmt: skip
    if line["note"] == NO_DATA or not line["denominator"]:
        empty = "unreported" if item.measure is Measure.CONNECT else "no_data"
        return figures | {"formula": f"{empty}_{readings.choice('scoring.zero_denominator')}"}
    if item.rule is not RateRule.SLOPE:
        return figures | {"formula": str(item.rule)}
    threshold, slope = item.threshold.resolve_required(readings), item.slope.resolve_required(readings)
    forgiven = readings.integer("scoring.tolerance_count")
    exact = Fraction(line["numerator"], line["denominator"]) * HUNDRED
    gap = max(ZERO, threshold - exact if item.higher_is_better else exact - threshold)
    cap = item.cap.resolve(readings)
    figures |= {
        "threshold": format_decimal(threshold), "slope": format_decimal(slope), "per": format_decimal(item.per), "gap": CENTS.format(gap),
        "mode": readings.slope_mode(item.item), "cap": format_decimal(item.points if cap is None else cap),
        "tolerance": forgiven or None,
    }  # fmt: skip
    direction = "higher" if item.higher_is_better else "lower"
    return figures | {"formula": f"{direction}_met" if Fraction(line["deduction"]) == 0 else f"{direction}_missed"}


def _explain_ledger(item: LedgerItem, line: Mapping[str, object], readings: Readings) -> dict[str, object]:
    amount, cap = item.amount.resolve(readings), item.cap.resolve(readings)
    figures: dict[str, object] = {
        "basis": item.source, "points": line["points"], "count": line["numerator"] or 0, "deduction": line["deduction"],
        "score": line["score"], "amount": None if amount is None else format_decimal(amount),
        "cap": None if cap is None else format_decimal(cap), "block": item.block or None,
    }  # fmt: skip
    if not line["numerator"] and item.rule is not LedgerRule.ABSENT:
        return figures | {"formula": f"nothing_{item.part}"}
    return figures | {"formula": f"{item.rule}_{'bonus' if item.part is Part.BONUS else 'loss'}"}
