"""The indicators: one pass over what was dispatched in a period, on either engine (A18)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from backend.domain.instants import to_micros
from backend.ports.reporting import ResponseTimes
from storage.engine.database import Database

SECOND = 1_000_000.0
_IS_REPEAT = "(t.merged_into IS NOT NULL OR (' ' || t.flags || ' ') LIKE '% suspected_repeat %')"
_RESPONSE_TIMES = f"""
SELECT a.unit,
  SUM(CASE WHEN a.lead THEN 1 ELSE 0 END), COUNT(a.signed_at), AVG(a.signed_at - a.dispatched_at),
  MAX(a.signed_at - a.dispatched_at), COUNT(a.contacted_at), AVG(a.contacted_at - a.dispatched_at),
  MAX(a.contacted_at - a.dispatched_at), SUM(CASE WHEN a.lead AND {_IS_REPEAT} THEN 1 ELSE 0 END),
  SUM(CASE WHEN a.lead THEN 0 ELSE 1 END),
  SUM(CASE WHEN NOT a.lead AND (a.replied_at IS NOT NULL OR a.closed_at IS NOT NULL) THEN 1 ELSE 0 END)
FROM assignments a JOIN tickets t ON t.id = a.ticket_id
WHERE a.dispatched_at >= :start AND a.dispatched_at < :end {{mine}}
GROUP BY a.unit ORDER BY a.unit"""
_OF_ALL = text(_RESPONSE_TIMES.format(mine=""))
_OF_UNIT = text(_RESPONSE_TIMES.format(mine="AND a.unit = :unit"))
_REPEATS = text(f"""
SELECT COUNT(*), COALESCE(SUM(CASE WHEN {_IS_REPEAT} THEN 1 ELSE 0 END), 0)
FROM tickets t WHERE t.generated_at >= :start AND t.generated_at < :end""")


class SqlIndicatorStore:
    """`IndicatorStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def count_response_times(self, start: datetime, end: datetime, unit: str | None) -> Sequence[ResponseTimes]:
        """Count, by unit, what was dispatched in the period."""
        values: dict[str, object] = {"start": to_micros(start), "end": to_micros(end)}
        if unit is not None:
            values["unit"] = unit
        query = _OF_ALL if unit is None else _OF_UNIT

        def work(c: Connection) -> list[ResponseTimes]:
            return [
                ResponseTimes(r[0], int(r[1]), int(r[2]), _to_mean_seconds(r[3]), _to_seconds(r[4]), int(r[5]), _to_mean_seconds(r[6]), _to_seconds(r[7]),
                     int(r[8]), int(r[9]), int(r[10]))
                for r in c.execute(query, values)
            ]  # fmt: skip

        return await self._db.read(work)

    async def count_repeats(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Count demands, and the repeats among them."""

        def work(c: Connection) -> tuple[int, int]:
            row = c.execute(_REPEATS, {"start": to_micros(start), "end": to_micros(end)}).one()
            return int(row[0]), int(row[1])

        return await self._db.read(work)


def _to_mean_seconds(value: object) -> float | None:
    return None if value is None else round(float(str(value)) / SECOND, 1)


def _to_seconds(value: object) -> int | None:
    return None if value is None else int(int(str(value)) / SECOND)
