"""Reminders to units that are not ready; the newest of each is found by index."""

from collections.abc import Mapping

from sqlalchemy import func, insert, select

from backend.domain.instants import from_micros, to_micros
from backend.ports.readiness import ReadinessReminder
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply


class SqlReadinessStore:
    """`ReadinessStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def add(self, chase: ReadinessReminder) -> None:
        await self._ids.refill(1)
        row = {
            "id": self._ids.take(),
            "unit": chase.unit,
            "at": to_micros(chase.at),
            "by": chase.by,
            "note": chase.note,
        }
        await self._db.execute(insert(t.chases).values(row))

    async def list_latest(self) -> Mapping[str, ReadinessReminder]:
        k = t.chases.c
        newest = select(func.max(k.id)).group_by(k.unit)
        rows = await self._db.fetch_rows(select(t.chases).where(k.id.in_(newest)))
        return {r.unit: ReadinessReminder(r.unit, from_micros(r.at), r.by, r.note) for r in rows}
