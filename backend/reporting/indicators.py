"""Indicators 接得快、答得准: times to sign and to first contact, and repeated demands (A18, Q21)."""

from collections.abc import Mapping
from typing import Any

from backend.domain.acts import Actor
from backend.office.cache import OfficeCache
from backend.ports.indicators import IndicatorStore, ResponseTimes
from backend.scoring.periods import get_month_bounds, parse_month


class Indicators:
    """Computes indicators on request; none is scored."""

    def __init__(self, store: IndicatorStore, office: OfficeCache) -> None:
        self._store = store
        self._office = office

    async def get(self, month: str | None, unit: str | None, by: Actor) -> Mapping[str, Any]:
        """Return the indicators of a month (2026-10, default: the current one), of one unit or all.

        Unit roles see only their own unit, and no overall figures. Refused `bad_month`.
        """
        zone = self._office.clock.zone
        name = month or self._office.clock.now().strftime("%Y-%m")
        parse_month(name)
        start, end = get_month_bounds(name, zone)
        only_unit = by.only_unit if by.is_unit_member else unit
        rows = await self._store.count_response_times(start, end, only_unit)
        answer: dict[str, Any] = {"month": name, "units": [_serialize(p) for p in rows]}
        if not by.is_unit_member and unit is None:
            demands, again = await self._store.count_repeats(start, end)
            answer |= {"demands": demands, "repeats": again}
        return answer


def _serialize(p: ResponseTimes) -> dict[str, Any]:
    """Serialize one unit's line; times in seconds from the dispatch."""
    return {
        "unit": p.unit, "dispatched": p.dispatched, "repeats": p.repeats,
        "time_to_sign": {"count": p.signed, "mean": p.sign_mean, "longest": p.sign_longest},
        "time_to_first_contact": {"count": p.contacted, "mean": p.contact_mean, "longest": p.contact_longest},
        "cooperation": {"assisted": p.assisted, "answered": p.assist_answered},
    }  # fmt: skip
