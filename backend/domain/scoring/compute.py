"""Compute a score sheet from facts, a scheme and the settings in force (B9, Q9-Q13)."""

from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Any

from backend.domain.refusals import Refused
from backend.domain.scoring.exact import ZERO, parse_count
from backend.domain.scoring.facts import Facts, check_settings, parse_facts, parse_object
from backend.domain.scoring.ledgers import compute_ledger_lines
from backend.domain.scoring.measures import MEASURE_DEFINITIONS, MonthEvent
from backend.domain.scoring.period import compute_period, parse_period_facts
from backend.domain.scoring.rates import compute_rate_lines
from backend.domain.scoring.readings import ROUNDING, Readings, overlay
from backend.domain.scoring.region import compute_region, parse_region_facts
from backend.domain.scoring.scheme import Part, RateItem, RateRule, Scheme, SchemeKind
from backend.domain.scoring.scheme_file import SchemeSource, load_scheme
from backend.domain.scoring.sheet import NO_ASSIGNMENT, SMALL_SAMPLE, UNDECIDED, ScoreSheet, SheetLine

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

_TOTAL_KEYS = (
    "scoring.participation", "scoring.slope_mode", "scoring.zero_denominator", "scoring.small_sample_min", "scoring.tolerance_count",
    "scoring.total_floor", "scoring.total_max", ROUNDING, "scoring.rounding_stage",
)  # fmt: skip
_SHOWN_KEYS = ("scoring.participation", "scoring.small_sample_min", ROUNDING)


def compute_json(
    document: Mapping[str, Any], settings: Mapping[str, str] = NO_SETTINGS, find_scheme: SchemeSource = load_scheme
) -> dict[str, Any]:
    """Compute the sheet of a facts document, as JSON; the document's own `settings` override `settings`.

    `find_scheme` gives the schemes: the packaged ones, or those kept with a run.

    Refused as by `parse_facts`, and `unknown_scheme`, `bad_setting`, `weights_missing`, `pooled_missing`.
    """
    return compute_document(document, settings, find_scheme).as_json()


def compute_document(
    document: Mapping[str, object], settings: Mapping[str, Any] = NO_SETTINGS, find_scheme: SchemeSource = load_scheme
) -> ScoreSheet:
    """Like `compute_json`, but return the sheet itself."""
    name = parse_object(document, "facts").get("scheme")
    if not isinstance(name, str):
        raise Refused("unknown_scheme", path="scheme", scheme=repr(name)[:60], known="")
    scheme = find_scheme(name)
    own = check_settings(document, (rate.item for rate in scheme.rates), scheme.list_settings())
    chosen: Mapping[str, Any] = overlay(settings, own)
    match scheme.kind:
        case SchemeKind.SHEET:
            return compute_sheet(parse_facts(document, scheme), scheme, chosen)
        case SchemeKind.REGION:
            pool = partial(_compute_pooled, find_scheme)
            return compute_region(parse_region_facts(document, scheme, chosen, pool), scheme, chosen)
        case SchemeKind.PERIOD:
            return compute_period(parse_period_facts(document, scheme), scheme, chosen)


def compute_given(document: Mapping[str, Any], settings: Mapping[str, str] = NO_SETTINGS) -> dict[str, Any]:
    """Compute the sheet of counts that somebody gives, as JSON; they must fit together (XD18).

    Refused as by `compute_json`, and `more_than_assignments`: each dispatched assignment is signed once (Q18, Q19).
    """
    sheet = compute_json(document, settings)
    given, counted = document.get("assignments"), document.get("rates", {}).get("sign")
    if given is not None and counted and sheet["readings"].get("scoring.sign_month") == "dispatched":
        signed, assignments = parse_count(counted[1], "rates.sign[1]"), parse_count(given, "assignments")
        if signed > assignments:
            raise Refused("more_than_assignments", path="rates.sign", count=signed, assignments=assignments)
    return sheet


def compute_sheet(facts: Facts, scheme: Scheme, settings: Mapping[str, str] = NO_SETTINGS) -> ScoreSheet:
    """Compute the sheet of one unit or institution. Without a total: who took no part, or of whom nothing is decided (Q9, XD2)."""
    readings = Readings.parse(settings, scheme.list_settings())
    base = (*compute_rate_lines(scheme, facts, readings), *compute_ledger_lines(scheme, Part.BASE, facts, readings))
    bonus = compute_ledger_lines(scheme, Part.BONUS, facts, readings)
    minus = compute_ledger_lines(scheme, Part.MINUS, facts, readings)
    stage = readings.rounding.round if readings.choice("scoring.rounding_stage") == "published" else _identity

    def sums(lines: tuple[SheetLine, ...]) -> Fraction:
        return sum((stage(line.deduction if line.part is Part.MINUS else line.score) for line in lines), ZERO)

    raw = sums(base) + sums(bonus) - sums(minus)
    flags = _compute_flags(scheme, facts, readings)
    scored = scheme.totals and not {NO_ASSIGNMENT, UNDECIDED} & {*flags}
    return ScoreSheet(
        scheme=scheme.id,
        version=scheme.version,
        total=readings.rounding.round(_clamp(raw, readings)) if scored else None,
        raw_total=raw if scored else None,
        base=sums(base),
        bonus=sums(bonus),
        minus=sums(minus),
        flags=flags,
        lines=(*base, *bonus, *minus),
        rounding=readings.rounding,
        readings=_select_readings(scheme, readings),
    )


def _identity(value: Fraction) -> Fraction:
    return value


def _clamp(raw: Fraction, readings: Readings) -> Fraction:
    """Clamp the raw total to `scoring.total_floor` … `scoring.total_max` (Q11, Q12)."""
    floor, top = readings.decimal("scoring.total_floor"), readings.decimal("scoring.total_max")
    if floor is not None:
        raw = max(raw, floor)
    return raw if top is None else min(raw, top)


def _compute_flags(scheme: Scheme, facts: Facts, readings: Readings) -> tuple[str, ...]:
    """Return the sheet's flags.

    `no_assignment` and `undecided` exclude other flags. The sample size is the number of assignments; if unknown, the smallest
    denominator.
    """
    if facts.is_idle or (facts.assignments == 0 and readings.choice("scoring.participation") == "dispatched"):
        return (NO_ASSIGNMENT,)
    if facts.open and not any(_is_decided(item, facts) for item in scheme.rates):
        return (UNDECIDED,)
    least = readings.integer("scoring.small_sample_min")
    samples = [rate.denominator for rate in facts.rates.values() if rate.denominator]
    if facts.assignments is not None:
        samples = [facts.assignments]
    flags = [SMALL_SAMPLE] if any(sample < least for sample in samples) else []
    for item in scheme.rates:
        if item.flag_when_empty and not facts.rates[item.item].denominator:
            flags.append(item.flag_when_empty)
    return tuple(flags)


def _is_decided(item: RateItem, facts: Facts) -> bool:
    """Whether an item has something done or late; what is merely in hand is neither."""
    rate, in_hand = facts.rates[item.item], MEASURE_DEFINITIONS[item.measure].month is MonthEvent.IN_HAND
    return bool(rate.numerator if in_hand else rate.denominator)


def _select_readings(scheme: Scheme, readings: Readings) -> dict[str, str]:
    cohorts = dict.fromkeys(key for rate in scheme.rates for key in MEASURE_DEFINITIONS[rate.measure].settings)
    keys = [*(_TOTAL_KEYS if scheme.totals else _SHOWN_KEYS), *cohorts, *scheme.readings, *scheme.list_settings()]
    return readings.select(keys, (item.item for item in scheme.rates if item.rule is RateRule.SLOPE))


def _compute_pooled(
    find_scheme: SchemeSource, document: Mapping[str, object], scheme: str, settings: Mapping[str, Any]
) -> Fraction | None:
    """Return the published total of all units' counts added up, as if they were one unit (Q51 `pooled`)."""
    return compute_document({"scheme": scheme, **document}, settings, find_scheme).total
