"""Duties to check: one indexed query finds what is due, however many tickets are open or closed."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, Integer, bindparam, func, select, update

from backend.domain.instants import to_micros
from backend.domain.records import Duty, Message
from backend.domain.ticket_enums import Category
from storage import tables as t
from storage.delivery.settle import insert_messages
from storage.engine.database import Database
from storage.engine.mapping import MAPPERS, decode_instant, encode

PAGE_SIZE = 500  # open duties read at a time
D, T, A = t.duties.c, t.tickets.c, t.assignments.c
_DUTY = MAPPERS[Duty]
_LIMIT, _AFTER = bindparam("limit", type_=Integer), bindparam("after", type_=BigInteger)
_SELECT_DUTIES = select(*_DUTY.columns(t.duties))
_LIST_DUE = _SELECT_DUTIES.where(D.check_at <= bindparam("now")).order_by(D.check_at).limit(_LIMIT)
_FIND_NEXT = tuple(
    select(func.min(at)).where(*conditions, at > _AFTER)
    for at, *conditions in (
        (D.check_at,),
        (t.outbox.c.not_before, t.outbox.c.state == "pending"),
        (t.calls.c.next_at,),
        (t.requester_texts.c.next_at,),
        (t.rating_pages.c.expires_at,),
    )
)
_LIST_LIVE_ATTEMPTS = select(t.calls.c.attempt_id).where(t.calls.c.state == "live", t.calls.c.purpose != "inbound")
# an update also sets the columns that are among its parameters
_UPDATE_OPEN = update(t.duties).where(D.id == bindparam("b_id"), D.met_at.is_(None), D.due_at == bindparam("b_due"))
_RECORD_CHECK = _UPDATE_OPEN.where(D.reminder_step == bindparam("b_step"), D.check_at.is_not(None))
_POSTPONE = _UPDATE_OPEN.where(D.check_at < bindparam("b_until"))
_LIST_BY_TICKET = _SELECT_DUTIES.where(D.ticket_id == bindparam("ticket")).order_by(D.start_at, D.id)
_LIST_OPEN = (
    select(*_DUTY.columns(t.duties), T.ticket_no, T.category)
    .join(t.tickets, T.id == D.ticket_id)
    .where(D.id > bindparam("last"), D.met_at.is_(None), D.due_at > _AFTER)
    .order_by(D.id)
    .limit(PAGE_SIZE)
)
_LIST_TO_ARCHIVE = (
    select(T.id)
    .outerjoin(t.assignments, A.id == T.lead_id)
    .where(T.state == "finalized", T.closed_at <= bindparam("before"), A.revisit_on.is_(None))
    .order_by(T.id)
    .limit(_LIMIT)
)


class SqlDueStore:
    """`DueStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._record_check = _RECORD_CHECK.where(db.gate.is_admitted("deadlines"))
        self._postpone = _POSTPONE.where(db.gate.is_admitted("acts"))

    async def list_due(self, now: datetime, limit: int) -> Sequence[Duty]:
        given = {"now": to_micros(now), "limit": limit}
        return await self._db.read(lambda c: [_DUTY.read(r) for r in c.execute(_LIST_DUE, given)])

    async def find_next(self, after: datetime) -> datetime | None:
        given = {"after": to_micros(after)}

        def work(c: Connection) -> int | None:
            found = [c.execute(query, given).scalar() for query in _FIND_NEXT]
            return min((f for f in found if f is not None), default=None)

        soonest = await self._db.read(work)
        return decode_instant(soonest)

    async def list_live_attempts(self) -> set[int]:
        """Return ids of attempts that are on the line now."""
        return await self._db.read(
            lambda c: {int(i) for i in c.execute(_LIST_LIVE_ATTEMPTS).scalars() if i is not None}
        )

    async def record_check(
        self, duty: Duty, step: int, next_at: datetime | None, messages: Sequence[Message] = ()
    ) -> bool:
        """Record the reminder step reached and the next check, and enqueue the step's messages."""
        checked = _name_duty(duty) | {"b_step": duty.reminder_step, "reminder_step": step, "check_at": encode(next_at)}

        def work(c: Connection) -> bool:
            if c.execute(self._record_check, checked).rowcount != 1:
                return False
            insert_messages(c, messages)
            return True

        return await self._db.write(work)

    async def list_by_ticket(self, ticket_id: int) -> Sequence[Duty]:
        return await self._db.read(lambda c: [_DUTY.read(r) for r in c.execute(_LIST_BY_TICKET, {"ticket": ticket_id})])

    async def iterate_open(self, after: datetime) -> AsyncIterator[tuple[str, Category | None, Duty]]:
        last = 0
        while True:

            def work(c: Connection, last: int = last) -> list[tuple[str, Category | None, Duty]]:
                rows = c.execute(_LIST_OPEN, {"last": last, "after": to_micros(after)})
                return [(r.ticket_no, Category(r.category) if r.category else None, _DUTY.read(r[:-2])) for r in rows]

            found = await self._db.read(work)
            for one in found:
                yield one
            if len(found) < PAGE_SIZE:
                return
            last = found[-1][2].id

    async def postpone_check(self, duty: Duty, until: datetime) -> bool:
        at = to_micros(until)
        return await self._db.execute(self._postpone, _name_duty(duty) | {"b_until": at, "check_at": at}) == 1

    async def list_to_archive(self, finalized_before: datetime, limit: int) -> Sequence[int]:
        given = {"before": to_micros(finalized_before), "limit": limit}
        return await self._db.read(lambda c: [int(i) for i in c.execute(_LIST_TO_ARCHIVE, given).scalars()])


def _name_duty(duty: Duty) -> dict[str, object]:
    return {"b_id": duty.id, "b_due": to_micros(duty.due_at)}
