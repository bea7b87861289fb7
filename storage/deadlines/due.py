"""Duties to check: one indexed query finds what is due, however many tickets are open or closed."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, update

from backend.domain.instants import to_micros
from backend.domain.records import Duty, Message
from backend.domain.ticket_enums import Category
from storage import tables as t
from storage.delivery.settle import insert_messages
from storage.engine.database import Database
from storage.engine.mapping import MAPPERS, decode_instant, encode

PAGE_SIZE = 500  # open duties read at a time


class SqlDueStore:
    """`DueStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list_due(self, now: datetime, limit: int) -> Sequence[Duty]:
        shape = MAPPERS[Duty]
        query = (
            select(*(t.duties.c[name] for name in shape.names))
            .where(t.duties.c.check_at <= to_micros(now))
            .order_by(t.duties.c.check_at)
            .limit(limit)
        )
        return await self._db.fetch_all(query, shape.read)

    async def find_next(self, after: datetime) -> datetime | None:
        at = to_micros(after)

        def work(c: Connection) -> int | None:
            found = [
                c.execute(select(func.min(t.duties.c.check_at)).where(t.duties.c.check_at > at)).scalar(),
                c.execute(
                    select(func.min(t.outbox.c.not_before)).where(
                        t.outbox.c.state == "pending", t.outbox.c.not_before > at
                    )
                ).scalar(),
                c.execute(select(func.min(t.calls.c.next_at)).where(t.calls.c.next_at > at)).scalar(),
                c.execute(
                    select(func.min(t.requester_texts.c.next_at)).where(t.requester_texts.c.next_at > at)
                ).scalar(),
                c.execute(
                    select(func.min(t.rating_pages.c.expires_at)).where(t.rating_pages.c.expires_at > at)
                ).scalar(),
            ]
            return min((f for f in found if f is not None), default=None)

        soonest = await self._db.read(work)
        return decode_instant(soonest)

    async def list_live_attempts(self) -> set[int]:
        """Return ids of attempts that are on the line now."""
        query = select(t.calls.c.attempt_id).where(t.calls.c.state == "live", t.calls.c.purpose != "inbound")
        return await self._db.read(lambda c: {int(i) for i in c.execute(query).scalars() if i is not None})

    async def record_check(
        self, duty: Duty, step: int, next_at: datetime | None, messages: Sequence[Message] = ()
    ) -> bool:
        """Record the reminder step reached and the next check, and enqueue the step's messages."""

        def work(c: Connection) -> bool:
            done = c.execute(
                update(t.duties)
                .where(
                    t.duties.c.id == duty.id,
                    t.duties.c.reminder_step == duty.reminder_step,
                    t.duties.c.met_at.is_(None),
                    t.duties.c.due_at == to_micros(duty.due_at),
                    t.duties.c.check_at.is_not(None),
                    self._db.gate.is_admitted("deadlines"),
                )
                .values(reminder_step=step, check_at=encode(next_at))
            )
            if done.rowcount != 1:
                return False
            insert_messages(c, messages)
            return True

        return await self._db.write(work)

    async def list_by_ticket(self, ticket_id: int) -> Sequence[Duty]:
        shape = MAPPERS[Duty]
        query = select(*(t.duties.c[name] for name in shape.names)).where(t.duties.c.ticket_id == ticket_id)
        return await self._db.fetch_all(query.order_by(t.duties.c.start_at, t.duties.c.id), shape.read)

    async def iterate_open(self, after: datetime) -> AsyncIterator[tuple[str, Category | None, Duty]]:
        shape, k, last = MAPPERS[Duty], t.duties.c, 0
        while True:
            query = (
                select(
                    *(k[name] for name in shape.names), t.tickets.c.ticket_no.label("ticket_no"), t.tickets.c.category
                )
                .join(t.tickets, t.tickets.c.id == k.ticket_id)
                .where(k.id > last, k.met_at.is_(None), k.due_at > to_micros(after))
                .order_by(k.id)
                .limit(PAGE_SIZE)
            )

            def work(c: Connection, query: Select[Any] = query) -> list[tuple[str, Category | None, Duty]]:
                return [
                    (r[-2], Category(r[-1]) if r[-1] else None, shape.read(tuple(r)[:-2])) for r in c.execute(query)
                ]

            found = await self._db.read(work)
            for one in found:
                yield one
            if len(found) < PAGE_SIZE:
                return
            last = found[-1][2].id

    async def postpone_check(self, duty: Duty, until: datetime) -> bool:
        k, at = t.duties.c, to_micros(until)
        query = (
            update(t.duties)
            .where(
                k.id == duty.id,
                k.met_at.is_(None),
                k.due_at == to_micros(duty.due_at),
                k.check_at < at,
                self._db.gate.is_admitted("acts"),
            )
            .values(check_at=at)
        )
        return await self._db.execute(query) == 1

    async def list_to_archive(self, finalized_before: datetime, limit: int) -> Sequence[int]:
        query = (
            select(t.tickets.c.id)
            .outerjoin(t.assignments, t.assignments.c.id == t.tickets.c.lead_id)
            .where(t.tickets.c.state == "finalized", t.tickets.c.closed_at <= to_micros(finalized_before))
            .where(t.assignments.c.revisit_on.is_(None))
            .order_by(t.tickets.c.id)
            .limit(limit)
        )
        return await self._db.fetch_all(query, lambda r: int(r[0]))
