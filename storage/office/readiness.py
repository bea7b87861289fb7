"""Reminders to units that are not ready; the newest of each is found by index."""

from collections.abc import Mapping

from sqlalchemy import func, insert, select

from backend.ports.office import ReadinessReminder
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper

_REMINDER = RowMapper(ReadinessReminder)
K = t.readiness_reminders.c
_INSERT = insert(t.readiness_reminders)
_LIST_LATEST = select(*_REMINDER.columns(t.readiness_reminders)).where(
    K.id.in_(select(func.max(K.id)).group_by(K.unit))
)


class SqlReadinessStore:
    """`ReadinessStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def add(self, chase: ReadinessReminder) -> None:
        await self._ids.refill(1)
        await self._db.execute(_INSERT, {"id": self._ids.take(), **_REMINDER.values(chase)})

    async def list_latest(self) -> Mapping[str, ReadinessReminder]:
        return {reminder.unit: reminder for reminder in await self._db.fetch_all(_LIST_LATEST, _REMINDER.read)}
