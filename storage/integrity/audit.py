"""The audit log: rows are added and read, never changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from backend.domain.instants import to_micros
from backend.ports.integrity import AuditEntry
from backend.ports.ticket_queries import Page
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper, encode

_ENTRY = RowMapper(AuditEntry)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:counted))")


def build_audit_row(
    ids: IdSupply, at: datetime, actor: str, event: str, subject: str | None, facts: Mapping[str, object]
) -> dict[str, object]:
    """Return an audit row; an id must be available."""
    return {
        "id": ids.take(),
        "at": to_micros(at),
        "actor": actor,
        "event": event,
        "subject": subject,
        "facts": encode(facts),
    }


class SqlAuditStore:
    """`AuditStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def record(self, now: datetime, who: str, what: str, about: str | None = None, **facts: Any) -> None:
        await self._ids.refill(1)
        row = build_audit_row(self._ids, now, who, what, about, facts)
        await self._db.execute(insert(t.audit_log).values(row))

    async def record_within(
        self, now: datetime, who: str, what: str, about: str | None = None, *, limit: int, since: datetime, **facts: Any
    ) -> bool:
        await self._ids.refill(1)
        row, k = build_audit_row(self._ids, now, who, what, about, facts), t.audit_log.c
        query = select(func.count()).where(k.at >= to_micros(since), k.actor == who, k.event == what)

        def work(c: Connection) -> bool:
            if c.dialect.name == "postgresql":  # SQLite writes one after another anyway
                c.execute(_LOCK, {"counted": f"{what}:{who}"})
            if int(c.execute(query).scalar_one()) >= limit:
                return False
            c.execute(insert(t.audit_log).values(row))
            return True

        return await self._db.write(work)

    async def list_entries(self, *, before: int | None = None, limit: int = 50) -> Page[AuditEntry]:
        query = select(*_ENTRY.columns(t.audit_log)).order_by(t.audit_log.c.id.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(t.audit_log.c.id < before)
        found = await self._db.fetch_all(query, _ENTRY.read)
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
