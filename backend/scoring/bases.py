"""What a unit's rates rest on: channels behind 接通率, who was reached and who answered behind 满意率 (XD14, XD15)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from backend.domain.scoring.measures import BASES, Measure, list_beside
from backend.domain.scoring.scheme import Scheme
from backend.ports.scoring import Cohort, ConnectSum, ScoringStore

Document = dict[str, Any]


async def load_connects(store: ScoringStore, scheme: Scheme, query: Cohort) -> dict[str, list[ConnectSum]]:
    """Return unit → its counts of the month by channel (B15), if the scheme has a rate of them."""
    found: dict[str, list[ConnectSum]] = defaultdict(list)
    if any(rate.measure is Measure.CONNECT for rate in scheme.rates):
        for one in await store.sum_connect_counts(query.start.date(), query.end.date(), query.as_of):
            if query.unit in (None, one.unit):
                found[one.unit].append(one)
    return found


def list_connects(scheme: Scheme, sums: Sequence[ConnectSum]) -> Document:
    """Return the channels behind 接通率, with the days that were counted."""
    rows = [
        {"channel": one.channel, "days": one.days, "offered": one.offered, "answered": one.answered,
         "abandoned": one.abandoned}
        for one in sums
    ]  # fmt: skip
    return {rate.item: rows for rate in scheme.rates if rate.measure is Measure.CONNECT}


async def load_left_out(
    store: ScoringStore, scheme: Scheme, month: str, query: Cohort
) -> dict[tuple[str, Measure], int]:
    """Return (unit, measure) → what the tickets excluded from a satisfaction rate had added beside it (XD15)."""
    found: Counter[tuple[str, Measure]] = Counter()
    for rate in scheme.rates:
        for measure in list_beside(rate.measure):
            for one in await store.list_excluded_shares(measure, rate.item, month, query):
                found[one.unit, measure] += one.numerator
    return found


def list_answers(
    scheme: Scheme, unit: str, rates: Mapping[str, Sequence[int]],
    pairs: Mapping[Measure, Mapping[str, Sequence[int]]], left_out: Mapping[tuple[str, Measure], int],
) -> Document:  # fmt: skip
    """Return item → who was reached and who answered, for each satisfaction rate (XD15)."""

    def count(measure: Measure) -> int:
        return pairs.get(measure, {}).get(unit, (0, 0))[0] - left_out.get((unit, measure), 0)

    return {
        rate.item: {
            "reached": count(basis.reached),
            "answered": rates[rate.item][1] if basis.answered is None else count(basis.answered),
        }
        for rate in scheme.rates
        if (basis := BASES.get(rate.measure)) is not None
    }
