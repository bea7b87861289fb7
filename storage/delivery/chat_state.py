"""Chat state: drafts, questions, and quick look-ups of a unit's open assignments."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, select, text, update

from backend.domain.instants import to_micros
from backend.domain.move_table import WITH_UNIT
from backend.domain.records import Assignment, Request, Ticket
from backend.domain.ticket_enums import Grade, State
from backend.ports.chat import OpenQuestion, TodoItem
from storage import tables as t
from storage.engine.database import Database
from storage.engine.mapping import MAPPERS, encode

_SAVE_DRAFT = text(
    "INSERT INTO drafts (person, assignment_id, verb, fields, at) VALUES (:person, :assignment, :verb, :fields, :at) "
    "ON CONFLICT (person, assignment_id, verb) DO UPDATE SET fields = excluded.fields, at = excluded.at"
)
_SAVE_QUESTION = text(
    "INSERT INTO open_questions (channel, user_id, question, facts, until) VALUES (:channel, :user, :question, :facts, :until) "
    "ON CONFLICT (channel, user_id) DO UPDATE SET question = excluded.question, facts = excluded.facts, until = excluded.until"
)
IN_HAND = tuple(sorted(s.value for s in WITH_UNIT))
A, D, Q = t.assignments.c, t.drafts.c, t.open_questions.c
_IS_DRAFT = and_(
    D.person == bindparam("person"), D.assignment_id == bindparam("assignment"), D.verb == bindparam("verb")
)
_LOAD_DRAFT, _DELETE_DRAFT = select(D.fields).where(_IS_DRAFT), delete(t.drafts).where(_IS_DRAFT)
_LIST_SAID = select(D.assignment_id, D.fields).where(D.person == bindparam("person"), D.verb == "said")
_IS_ASKED = and_(Q.channel == bindparam("channel"), Q.user_id == bindparam("user"))
_FIND_QUESTION = select(Q.question, Q.facts).where(_IS_ASKED, Q.until > bindparam("now"))
_DELETE_QUESTION = delete(t.open_questions).where(_IS_ASKED)
_MARK_OPENED = (
    update(t.assignments)
    .where(A.id == bindparam("b_assignment"), A.opened_at.is_(None))
    .values(opened_at=bindparam("b_now"))
)
_GET_REQUEST = select(t.requests).where(t.requests.c.id == bindparam("request"))
_IS_TODO = and_(A.unit == bindparam("unit"), A.state.in_(IN_HAND), A.ended_at.is_(None))
_COUNT_TODO = select(func.count()).select_from(t.assignments).where(_IS_TODO)
_LIST_TODO = (
    select(t.assignments)
    .join(t.tickets, t.tickets.c.id == A.ticket_id)
    .where(_IS_TODO)
    .order_by(
        t.tickets.c.grade != Grade.URGENT.value,
        case((A.state == State.DISPATCHED.value, A.sign_due_at), else_=A.close_due_at),  # `next_due_at`
        A.id,
    )
    .limit(bindparam("limit"))
)
_LIST_TICKETS = select(t.tickets).where(t.tickets.c.id.in_(bindparam("ids", expanding=True)))
_COUNT_CLOSED = (
    select(func.count())
    .select_from(t.assignments)
    .where(A.unit == bindparam("unit"), A.closed_at >= bindparam("since"))
)


class SqlChatStateStore:
    """`ChatStateStore` on either engine (FT29, T5)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def load_draft(self, person: str, assignment_id: int, verb: str) -> dict[str, Any]:
        given = {"person": person, "assignment": assignment_id, "verb": verb}
        body = await self._db.fetch_value(_LOAD_DRAFT, given)
        return dict(json.loads(body)) if body else {}

    async def save_draft(
        self, person: str, assignment_id: int, verb: str, words: Mapping[str, Any], now: datetime
    ) -> None:
        row = {
            "person": person,
            "assignment": assignment_id,
            "verb": verb,
            "fields": encode(words),
            "at": to_micros(now),
        }
        await self._db.execute(_SAVE_DRAFT, row)

    async def delete_draft(self, person: str, assignment_id: int, verb: str) -> None:
        await self._db.execute(_DELETE_DRAFT, {"person": person, "assignment": assignment_id, "verb": verb})

    async def find_reply_assignment(self, person: str, message_id: str) -> int | None:
        rows = await self._db.fetch_rows(_LIST_SAID, {"person": person})
        return next((int(r.assignment_id) for r in rows if json.loads(r.fields).get("message") == message_id), None)

    async def save_question(
        self, channel: str, user_id: str, question: OpenQuestion, now: datetime, until: datetime
    ) -> None:
        row = {"channel": channel, "user": user_id, "question": question.question, "facts": encode(question.facts),
               "until": to_micros(until)}  # fmt: skip
        await self._db.execute(_SAVE_QUESTION, row)

    async def find_question(self, channel: str, user_id: str, now: datetime) -> OpenQuestion | None:
        given = {"channel": channel, "user": user_id, "now": to_micros(now)}
        return await self._db.fetch_one(
            _FIND_QUESTION, lambda row: OpenQuestion(row.question, json.loads(row.facts)), given
        )

    async def delete_question(self, channel: str, user_id: str) -> None:
        await self._db.execute(_DELETE_QUESTION, {"channel": channel, "user": user_id})

    async def mark_opened(self, assignment_id: int, now: datetime) -> bool:
        return await self._db.execute(_MARK_OPENED, {"b_assignment": assignment_id, "b_now": to_micros(now)}) == 1

    async def get_request(self, request_id: int) -> Request | None:
        row = await self._db.read(lambda c: c.execute(_GET_REQUEST, {"request": request_id}).mappings().first())
        return MAPPERS[Request].from_mapping(dict(row)) if row else None

    async def list_todo(self, unit: str, limit: int) -> tuple[int, Sequence[TodoItem]]:
        def work(c: Connection) -> tuple[int, Sequence[TodoItem]]:
            count = c.execute(_COUNT_TODO, {"unit": unit}).scalar_one()
            listed = c.execute(_LIST_TODO, {"unit": unit, "limit": limit}).mappings()
            found = [MAPPERS[Assignment].from_mapping(dict(r)) for r in listed]
            ids = sorted({f.ticket_id for f in found})
            rows = c.execute(_LIST_TICKETS, {"ids": ids}).mappings()
            tickets: dict[int, Ticket] = {r["id"]: MAPPERS[Ticket].from_mapping(dict(r)) for r in rows}
            return int(count), [TodoItem(tickets[f.ticket_id], f) for f in found]

        return await self._db.read(work)

    async def count_closed(self, unit: str, since: datetime) -> int:
        return await self._db.fetch_count(_COUNT_CLOSED, {"unit": unit, "since": to_micros(since)})
