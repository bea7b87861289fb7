"""Finds assignments for automatic supervision by indexed queries."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Executable, Select, bindparam, exists, func, select

from backend.domain.instants import from_micros, to_micros
from backend.domain.ticket_enums import Answer, State
from backend.ports.deadlines import WaitingAssignment
from storage import tables as t
from storage.engine.database import Database

A, T, D, R, V, L = t.assignments.c, t.tickets.c, t.duties.c, t.requests.c, t.visits.c, t.ledger_lines.c
GIVE_UP_AFTER = timedelta(days=30)  # after this, an ignored exposure is dropped
ENDED_STATES = (State.CANCELLED.value, State.ARCHIVED.value)
_NOW = bindparam("now", type_=BigInteger)


def _build_leads(since: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(A.id, A.ticket_id, A.unit, since.label("since"))
        .join(t.tickets, (T.id == A.ticket_id) & (T.lead_id == A.id))
        .where(*conditions)
        .order_by(since, A.id)
        .limit(bindparam("limit"))
    )


def _build_unsupervised(since: Any) -> ColumnElement[bool]:
    return ~exists().where(D.assignment_id == A.id, D.kind == "supervise", D.start_at >= since)


_LIST_RED = _build_leads(
    A.red_card_at,
    A.closed_at.is_(None),
    A.ended_at.is_(None),
    A.red_card_at.is_not(None),
    A.red_card_at <= _NOW,
    _build_unsupervised(A.red_card_at),
)
_LAST_VISIT = select(V.at).where(V.ticket_id == T.id, V.decisive).order_by(V.at.desc()).limit(1).scalar_subquery()
_LIST_UNSATISFIED = _build_leads(
    _LAST_VISIT,
    T.state == State.FINALIZED.value,
    T.final_answer == Answer.UNSATISFIED.value,
    T.unreasonable.is_(False),
    _LAST_VISIT.is_not(None),
    _LAST_VISIT <= _NOW,
    ~exists().where(R.ticket_id == T.id, R.decision.is_(None)),
    _build_unsupervised(_LAST_VISIT),
)
_LIST_EXPOSURES = (
    select(L.tickets, L.reviewed_at)
    .where(L.kind == "exposure", L.state == "accepted", L.reviewed_at.between(bindparam("earliest"), _NOW))
    .order_by(L.reviewed_at)
)
_LIST_EXPOSED = (
    select(A.id, A.ticket_id, A.unit, T.ticket_no, func.max(D.start_at).label("ordered"),
           func.count(D.id).filter(D.met_at.is_(None)).label("open"))
    .join(t.tickets, (T.id == A.ticket_id) & (T.lead_id == A.id))
    .outerjoin(t.duties, (D.assignment_id == A.id) & (D.kind == "supervise"))
    .where(T.ticket_no.in_(bindparam("numbers", expanding=True)), T.state.not_in(ENDED_STATES))
    .group_by(A.id, A.ticket_id, A.unit, T.ticket_no)
    .order_by(A.id)
)  # fmt: skip
_LIST_RECHECKS = _build_leads(
    A.closed_at,
    A.close_type == "explained_unresolvable",
    A.revisit_on.is_not(None),
    A.revisit_on <= bindparam("day"),
    T.state.not_in(ENDED_STATES),
)


class SqlSupervisionStore:
    """`SupervisionStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_red(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        return await self._load(_LIST_RED, {"now": to_micros(now), "limit": limit})

    async def list_unsatisfied(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        return await self._load(_LIST_UNSATISFIED, {"now": to_micros(now), "limit": limit})

    async def list_exposed(self, now: datetime, limit: int) -> Sequence[WaitingAssignment]:
        span = {"earliest": to_micros(now - GIVE_UP_AFTER), "now": to_micros(now)}

        def work(c: Connection) -> list[WaitingAssignment]:
            since: dict[str, int] = {}
            for row in c.execute(_LIST_EXPOSURES, span):
                since |= dict.fromkeys(map(str, json.loads(row.tickets)), row.reviewed_at)
            return [
                WaitingAssignment(r.id, r.ticket_id, r.unit, from_micros(since[r.ticket_no]))
                for r in c.execute(_LIST_EXPOSED, {"numbers": list(since)[:limit]})
                if not r.open and (r.ordered is None or r.ordered < since[r.ticket_no])
            ]

        return await self._db.read(work)

    async def list_rechecks(self, day: date, limit: int) -> Sequence[WaitingAssignment]:
        return await self._load(_LIST_RECHECKS, {"day": day.isoformat(), "limit": limit})

    async def _load(self, query: Executable, given: dict[str, object]) -> list[WaitingAssignment]:
        return await self._db.read(
            lambda c: [
                WaitingAssignment(r.id, r.ticket_id, r.unit, from_micros(r.since)) for r in c.execute(query, given)
            ]
        )
