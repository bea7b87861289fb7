"""Reminders to units that are not ready; the newest of each is found by index."""

from collections.abc import Mapping

from sqlalchemy import func, insert, select

from backend.ports.office import ReadinessReminder
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper

_REMINDER = RowMapper(ReadinessReminder)


class SqlReadinessStore:
    """`ReadinessStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def add(self, chase: ReadinessReminder) -> None:
        await self._ids.refill(1)
        await self._db.execute(insert(t.readiness_reminders).values(id=self._ids.take(), **_REMINDER.values(chase)))

    async def list_latest(self) -> Mapping[str, ReadinessReminder]:
        k = t.readiness_reminders.c
        newest = select(func.max(k.id)).group_by(k.unit)
        query = select(*_REMINDER.columns(t.readiness_reminders)).where(k.id.in_(newest))
        return {reminder.unit: reminder for reminder in await self._db.fetch_all(query, _REMINDER.read)}
