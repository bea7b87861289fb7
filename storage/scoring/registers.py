"""Registers, and the knowledge base."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, or_, select, text, update

from backend.domain.instants import to_micros
from backend.ports.ledgers import KnowledgeEntry, RegisterEntry
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import RowMapper

H, K = t.register_entries.c, t.knowledge_entries.c
_REGISTER, _KNOWLEDGE = RowMapper(RegisterEntry), RowMapper(KnowledgeEntry)
_IN = "{0} >= :start AND {0} < :end"


class SqlRegisterStore:
    """`RegisterStore` on either engine."""

    _db: Database

    async def add_register_entry(self, entry: RegisterEntry) -> None:
        values = _REGISTER.values(entry) | {"facts": json.dumps(dict(entry.facts), ensure_ascii=False)}  # in its order
        await self._db.execute(insert(t.register_entries).values(**values))

    async def list_register_entries(
        self, kind: str, unit: str | None = None, before: int | None = None, limit: int = 500
    ) -> Sequence[RegisterEntry]:
        query = select(*_REGISTER.columns(t.register_entries)).where(H.kind == kind).order_by(H.id.desc()).limit(limit)
        if unit is not None:
            query = query.where(H.unit == unit)
        if before is not None:
            query = query.where(H.id < before)
        return await self._db.fetch_all(query, _REGISTER.read)

    async def end_register_entry(self, entry_id: int, kind: str, by: str, at: datetime) -> bool:
        query = (
            update(t.register_entries)
            .where(H.id == entry_id, H.kind == kind, H.ended_at.is_(None))
            .values(ended_at=to_micros(at), ended_by=by)
        )
        return await self._db.execute(query) == 1

    # -- knowledge

    async def add_knowledge(self, entry: KnowledgeEntry) -> None:
        await self._db.execute(insert(t.knowledge_entries).values(**_KNOWLEDGE.values(entry)))

    async def get_knowledge(self, entry_id: int) -> KnowledgeEntry | None:
        query = select(*_KNOWLEDGE.columns(t.knowledge_entries)).where(K.id == entry_id)
        return await self._db.fetch_one(query, _KNOWLEDGE.read)

    async def list_knowledge(
        self, unit: str | None, state: str | None, text: str, before: int | None, limit: int
    ) -> Sequence[KnowledgeEntry]:
        query = select(*_KNOWLEDGE.columns(t.knowledge_entries)).order_by(K.id.desc()).limit(limit)
        for column, value in ((K.unit, unit), (K.state, state)):
            if value is not None:
                query = query.where(column == value)
        if before is not None:
            query = query.where(K.id < before)
        if text:
            query = query.where(or_(K.title.contains(text, autoescape=True), K.body.contains(text, autoescape=True)))
        return await self._db.fetch_all(query, _KNOWLEDGE.read)

    async def review_knowledge(self, entry_id: int, state: str, by: str, unit: str, at: datetime, opinion: str) -> bool:
        query = (
            update(t.knowledge_entries)
            .where(K.id == entry_id, K.state == "entered")
            .values(state=state, reviewed_by=by, reviewer_unit=unit, reviewed_at=to_micros(at), opinion=opinion)
        )
        return await self._db.execute(query) == 1

    async def count_knowledge(self, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        query = text(f"""SELECT unit, reviewer_unit, state, count(*) FROM knowledge_entries
            WHERE {_IN.format("reviewed_at")} GROUP BY unit, reviewer_unit, state""")
        found: dict[str, list[int]] = {}
        rows = await self._db.fetch_rows(query, {"start": to_micros(start), "end": to_micros(end)})
        for unit, reviewer, state, n in rows:
            if state == "accepted":
                found.setdefault(unit, [0, 0])[0] += n
            if reviewer:
                found.setdefault(reviewer, [0, 0])[1] += n
        return {unit: (made, reviewed) for unit, (made, reviewed) in found.items()}
