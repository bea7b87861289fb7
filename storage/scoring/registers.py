"""Registers, and the knowledge base."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, or_, select, text, update

from backend.domain.instants import to_micros
from backend.ports.ledgers import KnowledgeEntry, RegisterEntry
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import RowMapper
from storage.engine.narrowing import AnySelect, build_before, build_matching

H, K = t.register_entries.c, t.knowledge_entries.c
_REGISTER, _KNOWLEDGE = RowMapper(RegisterEntry), RowMapper(KnowledgeEntry)
_ADD_REGISTER_ENTRY, _ADD_KNOWLEDGE = insert(t.register_entries), insert(t.knowledge_entries)
_END_REGISTER_ENTRY = update(t.register_entries).where(
    H.id == bindparam("b_id"), H.kind == bindparam("b_kind"), H.ended_at.is_(None)
)
_REGISTER_ENTRIES = (
    select(*_REGISTER.columns(t.register_entries))
    .where(H.kind == bindparam("kind"))
    .order_by(H.id.desc())
    .limit(bindparam("limit"))
)
_KNOWLEDGE_ENTRIES = select(*_KNOWLEDGE.columns(t.knowledge_entries))
_GET_KNOWLEDGE = _KNOWLEDGE_ENTRIES.where(K.id == bindparam("id"))
_REVIEW_KNOWLEDGE = update(t.knowledge_entries).where(K.id == bindparam("b_id"), K.state == "entered")
_COUNT_KNOWLEDGE = text("""SELECT unit, reviewer_unit, state, count(*) FROM knowledge_entries
    WHERE reviewed_at >= :start AND reviewed_at < :end GROUP BY unit, reviewer_unit, state""")


def _build_register_list(unit: str | None, before: int | None) -> AnySelect:
    return build_before(build_matching(_REGISTER_ENTRIES, {H.unit: unit}), H.id, before)


def _build_knowledge_list(unit: str | None, state: str | None, text: str, before: int | None, limit: int) -> AnySelect:
    query = build_before(build_matching(_KNOWLEDGE_ENTRIES, {K.unit: unit, K.state: state}), K.id, before)
    if text:
        query = query.where(or_(K.title.contains(text, autoescape=True), K.body.contains(text, autoescape=True)))
    return query.order_by(K.id.desc()).limit(limit)


class SqlRegisterStore:
    """`RegisterStore` on either engine."""

    _db: Database

    async def add_register_entry(self, entry: RegisterEntry) -> None:
        values = _REGISTER.values(entry) | {"facts": json.dumps(dict(entry.facts), ensure_ascii=False)}  # in its order
        await self._db.execute(_ADD_REGISTER_ENTRY, values)

    async def list_register_entries(
        self, kind: str, unit: str | None = None, before: int | None = None, limit: int = 500
    ) -> Sequence[RegisterEntry]:
        given = {"kind": kind, "limit": limit}
        return await self._db.fetch_all(_build_register_list(unit, before), _REGISTER.read, given)

    async def end_register_entry(self, entry_id: int, kind: str, by: str, at: datetime) -> bool:
        given = {"b_id": entry_id, "b_kind": kind, "ended_at": to_micros(at), "ended_by": by}
        return await self._db.execute(_END_REGISTER_ENTRY, given) == 1

    # -- knowledge

    async def add_knowledge(self, entry: KnowledgeEntry) -> None:
        await self._db.execute(_ADD_KNOWLEDGE, _KNOWLEDGE.values(entry))

    async def get_knowledge(self, entry_id: int) -> KnowledgeEntry | None:
        return await self._db.fetch_one(_GET_KNOWLEDGE, _KNOWLEDGE.read, {"id": entry_id})

    async def list_knowledge(
        self, unit: str | None, state: str | None, text: str, before: int | None, limit: int
    ) -> Sequence[KnowledgeEntry]:
        query = _build_knowledge_list(unit, state, text, before, limit)
        return await self._db.fetch_all(query, _KNOWLEDGE.read)

    async def review_knowledge(self, entry_id: int, state: str, by: str, unit: str, at: datetime, opinion: str) -> bool:
        given = {
            "b_id": entry_id,
            "state": state,
            "reviewed_by": by,
            "reviewer_unit": unit,
            "reviewed_at": to_micros(at),
            "opinion": opinion,
        }
        return await self._db.execute(_REVIEW_KNOWLEDGE, given) == 1

    async def count_knowledge(self, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        found: dict[str, list[int]] = {}
        rows = await self._db.fetch_rows(_COUNT_KNOWLEDGE, {"start": to_micros(start), "end": to_micros(end)})
        for unit, reviewer, state, n in rows:
            if state == "accepted":
                found.setdefault(unit, [0, 0])[0] += n
            if reviewer:
                found.setdefault(reviewer, [0, 0])[1] += n
        return {unit: (made, reviewed) for unit, (made, reviewed) in found.items()}
