"""Finds assignments for automatic supervision by indexed queries."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from backend.domain.instants import from_micros, to_micros
from backend.domain.ticket_enums import Answer, State
from backend.ports.deadlines import WaitingAssignment
from storage import tables as t
from storage.engine.database import Database

A, T = t.assignments.c, t.tickets.c
GIVE_UP_AFTER = timedelta(days=30)  # after this, an ignored exposure is dropped
ENDED_STATES = (State.CANCELLED.value, State.ARCHIVED.value)


class SqlSupervisionStore:
    """`SupervisionStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_red(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        since = A.red_card_at
        late = (A.closed_at.is_(None), A.ended_at.is_(None), since.is_not(None), since <= to_micros(now))
        return await self._load(_select_leads(since, *late, _not_supervised(since)).limit(limit))

    async def list_unsatisfied(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        r = t.requests.c
        pending = exists().where(r.ticket_id == T.id, r.decision.is_(None))
        last = (
            select(t.visits.c.at)
            .where(t.visits.c.ticket_id == T.id, t.visits.c.decisive)
            .order_by(t.visits.c.at.desc())
            .limit(1)
            .scalar_subquery()
        )
        unhappy = (
            T.state == State.FINALIZED.value, T.final_answer == Answer.UNSATISFIED.value, T.unreasonable.is_(False),
            last.is_not(None), last <= to_micros(now),
        )  # fmt: skip
        return await self._load(_select_leads(last, *unhappy, ~pending, _not_supervised(last)).limit(limit))

    async def list_exposed(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        k, d = t.ledger_lines.c, t.duties.c
        lines = select(k.tickets, k.reviewed_at).where(
            k.kind == "exposure",
            k.state == "accepted",
            k.reviewed_at.between(to_micros(now - GIVE_UP_AFTER), to_micros(now)),
        )

        def work(c: Connection) -> list[WaitingAssignment]:
            since: dict[str, int] = {}
            for row in c.execute(lines.order_by(k.reviewed_at)):
                since |= dict.fromkeys(map(str, json.loads(row.tickets)), row.reviewed_at)
            ordered = (
                select(A.id, A.ticket_id, A.unit, T.ticket_no, func.max(d.start_at).label("ordered"),
                       func.count(d.id).filter(d.met_at.is_(None)).label("open"))
                .join(t.tickets, (T.id == A.ticket_id) & (T.lead_id == A.id))
                .outerjoin(t.duties, (d.assignment_id == A.id) & (d.kind == "supervise"))
                .where(T.ticket_no.in_(list(since)[:limit]), T.state.not_in(ENDED_STATES))
                .group_by(A.id, A.ticket_id, A.unit, T.ticket_no)
                .order_by(A.id)
            )  # fmt: skip
            return [
                WaitingAssignment(r.id, r.ticket_id, r.unit, from_micros(since[r.ticket_no]))
                for r in c.execute(ordered)
                if not r.open and (r.ordered is None or r.ordered < since[r.ticket_no])
            ]

        return await self._db.read(work)

    async def list_rechecks(self, day: date, limit: int) -> Sequence[WaitingAssignment]:
        due = (
            A.close_type == "explained_unresolvable", A.revisit_on.is_not(None), A.revisit_on <= day.isoformat(),
            T.state.not_in(ENDED_STATES),
        )  # fmt: skip
        return await self._load(_select_leads(A.closed_at, *due).limit(limit))

    async def _load(self, query: Select[Any]) -> list[WaitingAssignment]:
        return await self._db.fetch_all(
            query, lambda r: WaitingAssignment(r.id, r.ticket_id, r.unit, from_micros(r.since))
        )


def _select_leads(since: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(A.id, A.ticket_id, A.unit, since.label("since"))
        .join(t.tickets, (T.id == A.ticket_id) & (T.lead_id == A.id))
        .where(*conditions)
        .order_by(since, A.id)
    )


def _not_supervised(since: Any) -> ColumnElement[bool]:
    d = t.duties.c
    return ~exists().where(d.assignment_id == A.id, d.kind == "supervise", d.start_at >= since)
