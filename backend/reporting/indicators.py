"""Indicators 接得快、答得准: times to sign and to first contact, and repeated demands (A18, Q21)."""

from typing import NotRequired

from typing_extensions import TypedDict

from backend.domain.acts import Actor
from backend.domain.json_shapes import Month
from backend.office.cache import OfficeCache
from backend.ports.reporting import IndicatorStore, ResponseTimes
from backend.scoring.periods import get_month_bounds, parse_month


class Spans(TypedDict):
    """How often, and the mean and longest time in seconds."""

    count: int
    mean: float | None
    longest: int | None


class Cooperation(TypedDict):
    """协办: what a unit was asked for, and what it answered."""

    assisted: int
    answered: int


class UnitIndicators(TypedDict):
    """One unit's indicators; times run from the dispatch."""

    unit: str
    dispatched: int
    repeats: int
    time_to_sign: Spans
    time_to_first_contact: Spans
    cooperation: Cooperation


class MonthIndicators(TypedDict):
    """A month's indicators; the overall counts only where all units are shown."""

    month: Month
    units: list[UnitIndicators]
    demands: NotRequired[int]
    repeats: NotRequired[int]


class Indicators:
    """Computes indicators on request; none is scored."""

    def __init__(self, store: IndicatorStore, office: OfficeCache) -> None:
        self._store = store
        self._office = office

    async def get(self, month: str | None, unit: str | None, by: Actor) -> MonthIndicators:
        """Return the indicators of a month (2026-10, default: the current one), of one unit or all.

        Unit roles see only their own unit, and no overall figures. Refused `bad_month`.
        """
        zone = self._office.clock.zone
        name = month or self._office.clock.now().strftime("%Y-%m")
        parse_month(name)
        start, end = get_month_bounds(name, zone)
        only_unit = by.only_unit if by.is_unit_member else unit
        rows = await self._store.count_response_times(start, end, only_unit)
        answer: MonthIndicators = {"month": name, "units": [_serialize(p) for p in rows]}
        if not by.is_unit_member and unit is None:
            demands, again = await self._store.count_repeats(start, end)
            answer["demands"], answer["repeats"] = demands, again
        return answer


def _serialize(p: ResponseTimes) -> UnitIndicators:
    """Serialize one unit's line; times in seconds from the dispatch."""
    return {
        "unit": p.unit, "dispatched": p.dispatched, "repeats": p.repeats,
        "time_to_sign": {"count": p.signed, "mean": p.sign_mean, "longest": p.sign_longest},
        "time_to_first_contact": {"count": p.contacted, "mean": p.contact_mean, "longest": p.contact_longest},
        "cooperation": {"assisted": p.assisted, "answered": p.assist_answered},
    }  # fmt: skip
