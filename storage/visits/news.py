"""Moves that concern a requester: the journal's newest lines, by when they were recorded."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, exists, literal, select

from backend.domain.instants import to_micros
from backend.ports.visits import RequesterNews
from storage import tables as t
from storage.engine.database import Database


class SqlRequesterNewsStore:
    """`RequesterNewsStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_unsent(self, after: datetime, kinds: dict[str, str], limit: int) -> Sequence[RequesterNews]:
        """List moves recorded since then whose verb is in `kinds` and that have no text of that kind yet."""
        if not kinds:
            return []
        query, given = _build_unsent(kinds), {"after": to_micros(after), "limit": limit}
        return await self._db.read(
            lambda c: [
                RequesterNews(r.ticket_id, r.version, r.verb, json.loads(r.arguments)) for r in c.execute(query, given)
            ]
        )


def _build_unsent(kinds: dict[str, str]) -> Select[Any]:
    j, a, x = t.journal.c, t.assignments.c, t.requester_texts.c
    kind = case(*((j.verb == verb, literal(kind)) for verb, kind in kinds.items()))
    already_sent = exists().where(x.ticket_id == j.ticket_id, x.round == j.version, x.kind == kind)
    return (
        select(j.ticket_id, j.version, j.verb, j.arguments)
        .join_from(t.journal, t.assignments, and_(a.id == j.assignment_id, a.lead))
        .where(j.recorded_at >= bindparam("after"), j.verb.in_(list(kinds)), ~already_sent)
        .order_by(j.recorded_at, j.id)
        .limit(bindparam("limit"))
    )
