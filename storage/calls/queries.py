"""Look-ups before and during calls: numbers, budgets, who was called lately, who must not be called."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from backend.domain.instants import from_micros, to_micros
from backend.domain.ticket_enums import State
from backend.ports.call_records import CallUsage
from backend.ports.calls import Call
from storage import tables as t
from storage.calls.mapping import A, D, K, T, select_calls, to_call
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.encryption import Encryption


class CallQueries:
    """The look-ups of `SqlCallStore` (FW33)."""

    _db: Database
    _vault: Encryption

    async def get_number(self, call_id: int) -> str | None:
        query = select(K.to_sealed).where(K.id == call_id)
        return self._vault.open("calls", call_id, "to", await self._db.fetch_value(query))

    async def get_requester_phone(self, ticket_id: int) -> str | None:
        query = select(T.phone_sealed).where(T.id == ticket_id)
        sealed = await self._db.fetch_value(query)
        return self._vault.open("tickets", ticket_id, "phone", sealed)

    async def measure_usage(self, since: datetime) -> CallUsage:
        begun = case((D.duration > 0, (D.duration + 59) // 60), (D.state != "done", 1), else_=0)
        minutes = func.coalesce(func.sum(begun * case((K.purpose == "bridge", 2), else_=1)), 0)
        query = select(func.count(), minutes).select_from(t.call_attempts.join(t.calls, K.id == D.call_id))
        row = await self._db.read(lambda c: c.execute(query.where(D.asked_at >= to_micros(since))).one())
        return CallUsage(int(row[0]), int(row[1]))

    async def list_visit_calls(self, number: str, since: datetime, except_call: int) -> Sequence[datetime]:
        first = func.min(D.asked_at)
        query = (
            select(first)
            .join(t.calls, K.id == D.call_id)
            .where(K.phone_index == self._vault.blind_index(number), K.purpose == "visit", K.id != except_call)
            .group_by(K.id)
            .having(first >= to_micros(since))
            .order_by(first.desc())
        )
        return await self._db.read(lambda c: [from_micros(v) for v in c.execute(query).scalars()])

    async def add_do_not_call(self, phone_index: str, at: datetime, call_id: int | None) -> None:
        def work(c: Connection) -> None:
            row = {"phone_index": phone_index, "at": to_micros(at), "call_id": call_id}
            c.execute(insert_new(c.dialect.name, t.do_not_call).values(row))
            c.execute(update(t.tickets).where(T.phone_index == phone_index).values(do_not_call=True))

        await self._db.write(work)

    async def is_do_not_call(self, number: str) -> bool:
        query = select(t.do_not_call.c.at).where(t.do_not_call.c.phone_index == self._vault.blind_index(number))
        return await self._db.fetch_value(query) is not None

    async def find_missed(self, person: str) -> Call | None:
        query = select_calls().where(K.person == person, K.purpose == "notice", A.ended_at.is_(None))
        return await self._last_rung(query.where(A.state == State.DISPATCHED.value))

    async def find_pending_visit(self, number: str) -> Call | None:
        query = select_calls().where(K.phone_index == self._vault.blind_index(number), K.purpose == "visit")
        return await self._last_rung(query.where(T.state == State.REVISIT_AUTO.value))

    async def _last_rung(self, query: Any) -> Call | None:
        """Who calls back returns the call that rang last; where none has rung, the one due first is meant."""
        rung = select(func.max(D.asked_at)).where(D.call_id == K.id).correlate(t.calls).scalar_subquery()
        in_order = query.order_by(rung.is_(None), rung.desc(), K.next_at.is_(None), K.next_at, K.id)
        return await self._db.fetch_one(in_order.limit(1), to_call)
