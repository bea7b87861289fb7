"""The audit log: rows are added and read, never changed."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from backend.domain.instants import from_micros, to_micros
from backend.ports.audit import AuditEntry
from backend.ports.ticket_queries import Page
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply


class SqlAuditStore:
    """`AuditStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def record(self, now: datetime, who: str, what: str, about: str | None = None, **facts: Any) -> None:
        await self._ids.refill(1)
        row = insert(t.audit).values(
            id=self._ids.take(), at=to_micros(now), who=who, what=what, about=about,
            facts=json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str),
        )  # fmt: skip
        await self._db.execute(row)

    async def count_since(self, who: str, what: str, since: datetime) -> int:
        k = t.audit.c
        query = select(func.count()).where(k.at >= to_micros(since), k.who == who, k.what == what)
        return await self._db.fetch_count(query)

    async def list_entries(self, *, before: int | None = None, limit: int = 50) -> Page[AuditEntry]:
        query = select(t.audit).order_by(t.audit.c.id.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(t.audit.c.id < before)
        rows = await self._db.fetch_rows(query)
        items = tuple(
            AuditEntry(r.id, from_micros(r.at), r.who, r.what, r.about, json.loads(r.facts)) for r in rows[:limit]
        )
        return Page(items, items[-1].id if len(rows) > limit else None)
