"""Chat state: drafts, questions, and quick look-ups of a unit's open assignments."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, func, select, text, update

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


class SqlChatStateStore:
    """`ChatStateStore` on either engine (FT29, T5)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def load_draft(self, person: str, assignment_id: int, verb: str) -> dict[str, Any]:
        body = await self._db.fetch_value(select(t.drafts.c.fields).where(_is_draft(person, assignment_id, verb)))
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
        await self._db.execute(delete(t.drafts).where(_is_draft(person, assignment_id, verb)))

    async def find_reply_assignment(self, person: str, message_id: str) -> int | None:
        k = t.drafts.c
        query = select(k.assignment_id, k.fields).where(k.person == person, k.verb == "said")
        rows = await self._db.fetch_rows(query)
        return next((int(r.assignment_id) for r in rows if json.loads(r.fields).get("message") == message_id), None)

    async def save_question(
        self, channel: str, user_id: str, question: OpenQuestion, now: datetime, until: datetime
    ) -> None:
        row = {"channel": channel, "user": user_id, "question": question.question, "facts": encode(question.facts),
               "until": to_micros(until)}  # fmt: skip
        await self._db.execute(_SAVE_QUESTION, row)

    async def find_question(self, channel: str, user_id: str, now: datetime) -> OpenQuestion | None:
        k = t.open_questions.c
        query = select(k.question, k.facts).where(k.channel == channel, k.user_id == user_id, k.until > to_micros(now))
        return await self._db.fetch_one(query, lambda row: OpenQuestion(row.question, json.loads(row.facts)))

    async def delete_question(self, channel: str, user_id: str) -> None:
        k = t.open_questions.c
        gone = delete(t.open_questions).where(k.channel == channel, k.user_id == user_id)
        await self._db.execute(gone)

    async def mark_opened(self, assignment_id: int, now: datetime) -> bool:
        k = t.assignments.c
        first = update(t.assignments).where(k.id == assignment_id, k.opened_at.is_(None))
        return await self._db.execute(first.values(opened_at=to_micros(now))) == 1

    async def get_request(self, request_id: int) -> Request | None:
        query = select(t.requests).where(t.requests.c.id == request_id)
        row = await self._db.read(lambda c: c.execute(query).mappings().first())
        return MAPPERS[Request].from_mapping(dict(row)) if row else None

    async def list_todo(self, unit: str, limit: int) -> tuple[int, Sequence[TodoItem]]:
        a = t.assignments.c
        mine = (a.unit == unit) & a.state.in_(IN_HAND) & a.ended_at.is_(None)

        def work(c: Connection) -> tuple[int, Sequence[TodoItem]]:
            count = c.execute(select(func.count()).select_from(t.assignments).where(mine)).scalar_one()
            due = case((a.state == State.DISPATCHED.value, a.sign_due_at), else_=a.close_due_at)  # `next_due_at`
            query = select(t.assignments).join(t.tickets, t.tickets.c.id == a.ticket_id).where(mine)
            query = query.order_by(t.tickets.c.grade != Grade.URGENT.value, due, a.id).limit(limit)
            found = [MAPPERS[Assignment].from_mapping(dict(r)) for r in c.execute(query).mappings()]
            ids = sorted({f.ticket_id for f in found})
            rows = c.execute(select(t.tickets).where(t.tickets.c.id.in_(ids))).mappings()
            tickets: dict[int, Ticket] = {r["id"]: MAPPERS[Ticket].from_mapping(dict(r)) for r in rows}
            return int(count), [TodoItem(tickets[f.ticket_id], f) for f in found]

        return await self._db.read(work)

    async def count_closed(self, unit: str, since: datetime) -> int:
        a = t.assignments.c
        query = select(func.count()).select_from(t.assignments)
        query = query.where(a.unit == unit, a.closed_at >= to_micros(since))
        return int(await self._db.read(lambda c: c.execute(query).scalar_one()))


def _is_draft(person: str, assignment_id: int, verb: str) -> Any:
    k = t.drafts.c
    return (k.person == person) & (k.assignment_id == assignment_id) & (k.verb == verb)
