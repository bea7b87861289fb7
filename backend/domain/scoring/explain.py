"""Explain a score line in figures: threshold, gap, steps, amount, cap (B3); adapters put them into sentences."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from backend.domain.scoring.exact import HUNDRED, ZERO, Rounding, plain
from backend.domain.scoring.readings import Readings
from backend.domain.scoring.scheme import LedgerItem, LedgerRule, Part, RateItem, RateRule, Scheme
from backend.domain.scoring.sheet import NO_DATA

CENTS = Rounding(2)


def explain(scheme: Scheme, line: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures behind a sheet's line, with `formula`: the text key of the sentence that explains them.

    `basis` is the paragraph. For a line the scheme does not have, both are empty.
    """
    readings = Readings.of(settings, scheme.knobs())
    rate = scheme.rate(str(line["item"]))
    if rate is not None:
        return _rate(rate, line, readings)
    part = str(line.get("part", ""))
    same = [i for i in scheme.ledger if i.item == line["item"] and (not part or i.part == part)]
    return _ledger(same[0], line, readings) if same else {"formula": "", "basis": ""}


def _rate(item: RateItem, line: Mapping[str, Any], readings: Readings) -> dict[str, Any]:
    said: dict[str, Any] = {
        "basis": item.source, "points": plain(item.points), "numerator": line["numerator"],
        "denominator": line["denominator"], "rate": line["rate"], "deduction": line["deduction"], "score": line["score"],
    }  # fmt: skip
    if line["note"] == NO_DATA or not line["denominator"]:
        return said | {"formula": f"no_data_{readings.word('scoring.zero_denominator')}"}
    if item.rule is not RateRule.SLOPE:
        return said | {"formula": str(item.rule)}
    threshold, slope = item.threshold.sure(readings), item.slope.sure(readings)
    spared = readings.whole("scoring.tolerance_count")
    exact = Fraction(line["numerator"], line["denominator"]) * HUNDRED
    gap = max(ZERO, threshold - exact if item.higher_is_better else exact - threshold)
    cap = item.cap.under(readings)
    said |= {
        "threshold": plain(threshold), "slope": plain(slope), "per": plain(item.per), "gap": CENTS.text(gap),
        "mode": readings.slope_mode(item.item), "cap": plain(item.points if cap is None else cap),
        "tolerance": spared or None,
    }  # fmt: skip
    way = "higher" if item.higher_is_better else "lower"
    return said | {"formula": f"{way}_met" if Fraction(line["deduction"]) == 0 else f"{way}_missed"}


def _ledger(item: LedgerItem, line: Mapping[str, Any], readings: Readings) -> dict[str, Any]:
    amount, cap = item.amount.under(readings), item.cap.under(readings)
    said: dict[str, Any] = {
        "basis": item.source, "points": line["points"], "count": line["numerator"] or 0, "deduction": line["deduction"],
        "score": line["score"], "amount": None if amount is None else plain(amount),
        "cap": None if cap is None else plain(cap), "block": item.block or None,
    }  # fmt: skip
    if not line["numerator"] and item.rule is not LedgerRule.ABSENT:
        return said | {"formula": f"nothing_{item.part}"}
    return said | {"formula": f"{item.rule}_{'bonus' if item.part is Part.BONUS else 'loss'}"}
