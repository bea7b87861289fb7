"""Registers, the knowledge base, and the queries for ledger-line candidates."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, text, update

from backend.domain.instants import from_micros, to_micros
from backend.ports.registers import Holding, KnowledgeEntry, Lead
from storage import tables as t
from storage.db import Database

H, K = t.registers.c, t.knowledge.c
_IN = "{0} >= :start AND {0} < :end"
_PRAISE = f"""SELECT COALESCE(a.unit, t.management) AS unit, t.no, '' AS said, t.id FROM tickets t
    LEFT JOIN assignments a ON a.id = t.lead_id WHERE t.category = 'praise' AND {_IN.format("t.generated_at")}
    AND t.merged_into IS NULL AND t.state <> 'cancelled'
    UNION ALL SELECT a.unit, t.no, v.note, v.id FROM visits v JOIN tickets t ON t.id = v.ticket_id
    JOIN assignments a ON a.id = COALESCE(v.assignment_id, t.lead_id)
    WHERE {_IN.format("v.at")} AND v.answer = 'satisfied' AND v.note <> ''"""
_MISSED = f"""SELECT COALESCE(d.unit, a.unit) AS unit, t.no, 'missed' AS said, d.id FROM duties d
    JOIN tickets t ON t.id = d.ticket_id LEFT JOIN assignments a ON a.id = d.assignment_id
    WHERE d.kind = 'supervise' AND {_IN.format("d.due_at")}
    AND (d.outcome = 'late' OR (d.met_at IS NULL AND d.due_at < :now))"""
_REJECTED = f"""SELECT a.unit, t.no, j.words AS said, j.id FROM journal j JOIN tickets t ON t.id = j.ticket_id
    JOIN assignments a ON a.id = COALESCE(j.assignment_id, t.lead_id)
    WHERE j.verb = 'accept_progress' AND {_IN.format("j.at")}"""
_COORDINATED = f"""SELECT t.management AS unit, t.no, '' AS said, t.id FROM tickets t
    WHERE {_IN.format("t.closed_at")} AND t.merged_into IS NULL AND t.management IS NOT NULL
    AND (t.flags LIKE '%mass_incident%' OR t.flags LIKE '%hard_case%' OR t.grade = 'urgent')
    AND t.final_answer IN ('satisfied', 'basically_satisfied')
    AND EXISTS (SELECT 1 FROM visits v WHERE v.ticket_id = t.id
                AND v.answer IN ('satisfied', 'basically_satisfied'))"""


class RegisterShelf:
    """`RegisterStore` on either engine."""

    _db: Database

    async def keep(self, holding: Holding) -> None:
        values = {
            "id": holding.id, "kind": holding.kind, "unit": holding.unit, "name": holding.name,
            "on_date": holding.on_date, "facts": json.dumps(dict(holding.facts), ensure_ascii=False),
            "files": json.dumps(holding.files), "by": holding.by, "at": to_micros(holding.at),
        }  # fmt: skip
        await self._db.write(lambda c: c.execute(insert(t.registers).values(**values)) and None)

    async def holdings(
        self, kind: str, unit: str | None = None, before: int | None = None, limit: int = 500
    ) -> Sequence[Holding]:
        query = select(t.registers).where(H.kind == kind).order_by(H.id.desc()).limit(limit)
        if unit is not None:
            query = query.where(H.unit == unit)
        if before is not None:
            query = query.where(H.id < before)
        return await self._db.read(lambda c: [_holding(r) for r in c.execute(query)])

    async def end(self, holding_id: int, kind: str, by: str, at: datetime) -> bool:
        query = (
            update(t.registers)
            .where(H.id == holding_id, H.kind == kind, H.ended_at.is_(None))
            .values(ended_at=to_micros(at), ended_by=by)
        )
        return await self._db.write(lambda c: c.execute(query).rowcount == 1)

    # -- knowledge

    async def keep_knowledge(self, entry: KnowledgeEntry) -> None:
        values = {
            "id": entry.id, "unit": entry.unit, "title": entry.title, "body": entry.body, "change": entry.change,
            "replaces": entry.replaces, "by": entry.by, "at": to_micros(entry.at), "state": entry.state,
        }  # fmt: skip
        await self._db.write(lambda c: c.execute(insert(t.knowledge).values(**values)) and None)

    async def knowledge(self, entry_id: int) -> KnowledgeEntry | None:
        query = select(t.knowledge).where(K.id == entry_id)
        row = await self._db.read(lambda c: c.execute(query).first())
        return None if row is None else _knowledge(row)

    async def knowledge_list(
        self, unit: str | None, state: str | None, words: str, before: int | None, limit: int
    ) -> Sequence[KnowledgeEntry]:
        query = select(t.knowledge).order_by(K.id.desc()).limit(limit)
        for column, value in ((K.unit, unit), (K.state, state)):
            if value is not None:
                query = query.where(column == value)
        if before is not None:
            query = query.where(K.id < before)
        if words:
            query = query.where(or_(K.title.contains(words, autoescape=True), K.body.contains(words, autoescape=True)))
        return await self._db.read(lambda c: [_knowledge(r) for r in c.execute(query)])

    async def review_knowledge(self, entry_id: int, state: str, by: str, unit: str, at: datetime, opinion: str) -> bool:
        query = (
            update(t.knowledge)
            .where(K.id == entry_id, K.state == "entered")
            .values(state=state, reviewed_by=by, reviewer_unit=unit, reviewed_at=to_micros(at), opinion=opinion)
        )
        return await self._db.write(lambda c: c.execute(query).rowcount == 1)

    async def knowledge_counts(self, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        query = text(f"""SELECT unit, reviewer_unit, state, count(*) FROM knowledge
            WHERE {_IN.format("reviewed_at")} GROUP BY unit, reviewer_unit, state""")
        found: dict[str, list[int]] = {}
        rows = await self._db.read(lambda c: c.execute(query, {"start": to_micros(start), "end": to_micros(end)}).all())
        for unit, reviewer, state, n in rows:
            if state == "accepted":
                found.setdefault(unit, [0, 0])[0] += n
            if reviewer:
                found.setdefault(reviewer, [0, 0])[1] += n
        return {unit: (made, reviewed) for unit, (made, reviewed) in found.items()}

    # -- candidates for ledger lines

    async def praise(self, start: datetime, end: datetime) -> Sequence[Lead]:
        return await self._leads(_PRAISE, start, end)

    async def failed_supervisions(self, start: datetime, end: datetime, now: datetime) -> Sequence[Lead]:
        missed = await self._leads(_MISSED, start, end, now=to_micros(now))
        rejected = await self._leads(_REJECTED, start, end)
        return [*missed, *(lead for lead in rejected if json.loads(lead.said).get("accept") is False)]

    async def coordinated(self, start: datetime, end: datetime) -> Sequence[Lead]:
        """Find mass, urgent and hard cases closed in that time with a satisfied requester."""
        return await self._leads(_COORDINATED, start, end)

    async def _leads(self, sql: str, start: datetime, end: datetime, **more: Any) -> list[Lead]:
        given = {"start": to_micros(start), "end": to_micros(end), **more}
        rows = await self._db.read(lambda c: c.execute(text(sql), given).all())
        return [Lead(r[0], r[1], r[2], int(r[3])) for r in rows if r[0]]


def _holding(r: Any) -> Holding:
    return Holding(
        r.id, r.kind, r.unit, r.name, r.on_date, json.loads(r.facts), tuple(json.loads(r.files)), r.by, from_micros(r.at),
        None if r.ended_at is None else from_micros(r.ended_at),
    )  # fmt: skip


def _knowledge(r: Any) -> KnowledgeEntry:
    return KnowledgeEntry(
        r.id, r.unit, r.title, r.body, r.change, r.replaces, r.by, from_micros(r.at), r.state, r.reviewed_by,
        r.reviewer_unit, None if r.reviewed_at is None else from_micros(r.reviewed_at), r.opinion,
    )  # fmt: skip
