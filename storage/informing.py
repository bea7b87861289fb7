"""Moves that concern a requester: the journal's newest lines, by when they were recorded."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, case, exists, literal, select

from backend.domain.instants import to_micros
from backend.ports.informing import News
from storage import tables as t
from storage.db import Database


class NewsShelf:
    """`RequesterNewsStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def untold(self, after: datetime, kinds: dict[str, str], limit: int) -> Sequence[News]:
        """List moves recorded since then whose verb is in `kinds` and that have no text of that kind yet."""
        if not kinds:
            return []
        j, a, x = t.journal.c, t.assignments.c, t.caller_texts.c
        kind = case(*((j.verb == verb, literal(kind)) for verb, kind in kinds.items()))
        told = exists().where(x.ticket_id == j.ticket_id, x.round == j.version, x.kind == kind)
        query = (
            select(j.ticket_id, j.version, j.verb, j.words)
            .join_from(t.journal, t.assignments, and_(a.id == j.assignment_id, a.lead))
            .where(j.recorded_at >= to_micros(after), j.verb.in_(list(kinds)), ~told)
            .order_by(j.recorded_at, j.id)
            .limit(limit)
        )
        return await self._db.read(
            lambda c: [News(r.ticket_id, r.version, r.verb, json.loads(r.words)) for r in c.execute(query)]
        )
