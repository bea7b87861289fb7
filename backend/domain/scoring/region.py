"""Score a region: weighted mean of its institution's and its units' totals, rounded once at the end (B10, Q51)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from backend.domain.refusals import Refused
from backend.domain.scoring.exact import HUNDRED, ZERO, Rounding, parse_count, parse_number
from backend.domain.scoring.facts import check_fields, parse_array, parse_object
from backend.domain.scoring.readings import ROUNDING, Readings
from backend.domain.scoring.scheme import Part, Scheme
from backend.domain.scoring.sheet import NO_ASSIGNMENT, NO_DATA, ScoreSheet, SheetLine

_KEYS = ("scheme", "settings", "management", "units", "weights", "pooled", "region", "period", "name", "note")
_READINGS = ("region.weight_management", "region.weight_units", "region.aggregation", ROUNDING)

PART_PLACES = 4
#: bounds no published total reaches
_LOWEST, _HIGHEST = -1000, 1000

Pool = Callable[[Mapping[str, object], str, Mapping[str, object]], Fraction | None]


@dataclass(frozen=True)
class RegionFacts:
    """Published totals of the institution (None: not scored) and of the units (None: no assignment, left out).

    `weights`: the units' assignments, in the order of `units`; `pooled`: the total of their counts added up.
    """

    management: Fraction | None
    units: tuple[Fraction | None, ...]
    weights: tuple[int, ...] | None = None
    pooled: Fraction | None = None


def parse_region_facts(
    document: Mapping[str, object], scheme: Scheme, settings: Mapping[str, object], pool: Pool
) -> RegionFacts:
    """Parse the facts of a region; `ticket_weighted` needs `weights`, `pooled` needs `pooled` (a facts document).

    Refused `unknown_field`, `bad_facts`, `not_a_number`, `out_of_range`, `weights_missing`, `pooled_missing`.
    """
    check_fields(document, _KEYS, "")
    units = tuple(
        parse_total(value, f"units[{n}]") for n, value in enumerate(parse_array(document.get("units", []), "units"))
    )
    how = Readings.parse(settings).choice("region.aggregation")
    weights: tuple[int, ...] | None = None
    if document.get("weights") is not None:
        rows = parse_array(document["weights"], "weights")
        if len(rows) != len(units):
            raise Refused("bad_facts", path="weights", found=f"{len(rows)} != {len(units)}")
        weights = tuple(parse_count(value, f"weights[{n}]") for n, value in enumerate(rows))
    elif how == "ticket_weighted":
        raise Refused("weights_missing", path="weights")
    pooled = None
    if document.get("pooled") is not None:
        pooled = pool(parse_object(document["pooled"], "pooled"), scheme.unit_scheme, settings)
    elif how == "pooled":
        raise Refused("pooled_missing", path="pooled")
    return RegionFacts(parse_total(document.get("management"), "management"), units, weights, pooled)


def compute_region(
    facts: RegionFacts, scheme: Scheme, settings: Mapping[str, object] = MappingProxyType({})
) -> ScoreSheet:
    """Compute weight_management × M + weight_units × U, rounded only at the end; unscored if a side is missing.

    Its parts are printed with four places at least, so that they add up to the total as printed (XD12).

    Refused `bad_setting` if the weights do not add up to 1, `weights_missing`.
    """
    readings = Readings.parse(settings)
    shares = {
        "management": Fraction(readings.values["region.weight_management"]),
        "units": Fraction(readings.values["region.weight_units"]),
    }
    if sum(shares.values()) != 1:
        value, rest = readings.values["region.weight_units"], 1 - Decimal(readings.values["region.weight_management"])
        raise Refused("bad_setting", key="region.weight_units", value=value, allowed=str(rest))
    sides = {"management": facts.management, "units": _AGGREGATIONS[readings.choice("region.aggregation")](facts)}
    lines = tuple(_build_line(item, scheme.names.get(item, item), shares[item], side) for item, side in sides.items())
    scored = all(side is not None for side in sides.values())
    raw = sum((line.score for line in lines), ZERO)
    return ScoreSheet(
        scheme=scheme.id,
        version=scheme.version,
        total=readings.rounding.round(raw) if scored else None,
        raw_total=raw if scored else None,
        base=raw,
        bonus=ZERO,
        minus=ZERO,
        flags=() if scored else (NO_ASSIGNMENT,),
        lines=lines,
        rounding=readings.rounding,
        readings=readings.select(_READINGS),
        part_rounding=get_part_rounding(readings.rounding),
    )


def get_part_rounding(rounding: Rounding) -> Rounding:
    """Return how parts of a total are written, so that as printed they add up to it (XD12)."""
    return replace(rounding, places=max(PART_PLACES, rounding.places))


def _mean(facts: RegionFacts) -> Fraction | None:
    scored = [total for total in facts.units if total is not None]
    return sum(scored, ZERO) / len(scored) if scored else None


def _ticket_weighted(facts: RegionFacts) -> Fraction | None:
    if facts.weights is None:
        raise Refused("weights_missing", path="weights")
    pairs = [(t, w) for t, w in zip(facts.units, facts.weights, strict=True) if t is not None]
    weight = sum(w for _, w in pairs)
    return sum((total * w for total, w in pairs), ZERO) / weight if weight else None


def _pooled(facts: RegionFacts) -> Fraction | None:
    return facts.pooled


_AGGREGATIONS: Mapping[str, Callable[[RegionFacts], Fraction | None]] = MappingProxyType(
    {
        "mean": _mean,
        "ticket_weighted": _ticket_weighted,
        "pooled": _pooled,
    }
)


def _build_line(item: str, name: str, share: Fraction, side: Fraction | None) -> SheetLine:
    """Return a side's line: `rate` is its total, `points` its weight in per cent."""
    score = ZERO if side is None else share * side
    points = share * HUNDRED
    return SheetLine(
        item=item,
        name=name,
        part=Part.BASE,
        points=points,
        deduction=ZERO if side is None else points - score,
        score=score,
        rate=None if side is None else side / HUNDRED,
        note=NO_DATA if side is None else "",
    )


def parse_total(value: object, path: str) -> Fraction | None:
    """Parse a published total; None stays None. Refused `not_a_number`, `out_of_range`."""
    if value is None:
        return None
    total = parse_number(value, path)
    if not _LOWEST <= total <= _HIGHEST:
        raise Refused("out_of_range", path=path, value=str(value), lowest=_LOWEST, highest=_HIGHEST)
    return total
