"""The audit log: rows are added and read, never changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, text

from backend.domain.instants import to_micros
from backend.ports.integrity import AuditEntry
from backend.ports.ticket_queries import Page
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper, encode

_ENTRY = RowMapper(AuditEntry)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:counted))")
K = t.audit_log.c
INSERT_AUDIT = insert(t.audit_log)
_COUNT_EVENTS = select(func.count()).where(
    K.at >= bindparam("since"), K.actor == bindparam("actor"), K.event == bindparam("event")
)
_LIST_ENTRIES = select(*_ENTRY.columns(t.audit_log)).order_by(K.id.desc()).limit(bindparam("most"))
_LIST_ENTRIES_BEFORE = _LIST_ENTRIES.where(K.id < bindparam("before"))


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
        await self._db.execute(INSERT_AUDIT, row)

    async def record_within(
        self, now: datetime, who: str, what: str, about: str | None = None, *, limit: int, since: datetime, **facts: Any
    ) -> bool:
        await self._ids.refill(1)
        row = build_audit_row(self._ids, now, who, what, about, facts)
        counted = {"since": to_micros(since), "actor": who, "event": what}

        def work(c: Connection) -> bool:
            if c.dialect.name == "postgresql":  # SQLite writes one after another anyway
                c.execute(_LOCK, {"counted": f"{what}:{who}"})
            if int(c.execute(_COUNT_EVENTS, counted).scalar_one()) >= limit:
                return False
            c.execute(INSERT_AUDIT, row)
            return True

        return await self._db.write(work)

    async def list_entries(self, *, before: int | None = None, limit: int = 50) -> Page[AuditEntry]:
        query = _LIST_ENTRIES if before is None else _LIST_ENTRIES_BEFORE
        found = await self._db.fetch_all(query, _ENTRY.read, {"before": before, "most": limit + 1})
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
