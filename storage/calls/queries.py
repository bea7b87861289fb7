"""Look-ups before and during calls: visits to plan, numbers, budgets, who was called lately, who must not be called."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, Executable, Text, bindparam, case, exists, func, select, update

from backend.domain.instants import from_micros, to_micros
from backend.domain.ticket_enums import State
from backend.ports.call_records import CallUsage
from backend.ports.calls import Call, DueVisit
from storage import tables as t
from storage.calls.mapping import SELECT_CALLS, A, D, K, T, find_call
from storage.engine.database import Database
from storage.engine.encryption import Encryption

_PHONE = bindparam("phone", type_=Text)
_IS_PLANNED = exists().where(K.purpose == "visit", K.ticket_id == T.id, K.round == T.visit_round)
_LIST_DUE_VISITS = (
    select(T.id, T.ticket_no, T.visit_round, T.lead_id, T.grade)
    .where(T.state == State.REVISIT_AUTO.value, T.id > bindparam("after"), ~_IS_PLANNED)
    .order_by(T.id)
    .limit(bindparam("limit"))
)
_GET_NUMBER = select(K.to_sealed).where(K.id == bindparam("call"))
_GET_REQUESTER_PHONE = select(T.phone_sealed).where(T.id == bindparam("ticket"))
_BEGUN_MINUTES = case((D.duration > 0, (D.duration + 59) // 60), (D.state != "done", 1), else_=0)
_MEASURE_USAGE = (
    select(func.count(), func.coalesce(func.sum(_BEGUN_MINUTES * case((K.purpose == "bridge", 2), else_=1)), 0))
    .select_from(t.call_attempts.join(t.calls, K.id == D.call_id))
    .where(D.asked_at >= bindparam("since"))
)
_LIST_VISIT_CALLS = (
    select(func.min(D.asked_at))
    .join(t.calls, K.id == D.call_id)
    .where(K.phone_index == _PHONE, K.purpose == "visit", K.id != bindparam("call"))
    .group_by(K.id)
    .having(func.min(D.asked_at) >= bindparam("since"))
    .order_by(func.min(D.asked_at).desc())
)
_FIND_PROVIDER_IDS = select(D.provider_id).where(D.provider_id.in_(bindparam("ids", expanding=True)))
_MARK_DO_NOT_CALL = update(t.tickets).where(T.phone_index == bindparam("b_phone")).values(do_not_call=True)
_IS_DO_NOT_CALL = select(t.do_not_call.c.at).where(t.do_not_call.c.phone_index == _PHONE)
_RUNG_AT = select(func.max(D.asked_at)).where(D.call_id == K.id).correlate(t.calls).scalar_subquery()
#: Who calls back returns the call that rang last; where none has rung, the one due first is meant.
_LAST_RUNG = SELECT_CALLS.order_by(_RUNG_AT.is_(None), _RUNG_AT.desc(), K.next_at.is_(None), K.next_at, K.id).limit(1)
_FIND_MISSED = _LAST_RUNG.where(
    K.person == bindparam("person"), K.purpose == "notice", A.ended_at.is_(None), A.state == State.DISPATCHED.value
)
_FIND_PENDING_VISIT = _LAST_RUNG.where(
    K.phone_index == _PHONE, K.purpose == "visit", T.state == State.REVISIT_AUTO.value
)


class CallQueries:
    """The look-ups of `SqlCallStore` (FW33)."""

    _db: Database
    _vault: Encryption
    _insert_blocked: Executable

    async def list_due_visits(self, limit: int, after: int = 0) -> Sequence[DueVisit]:
        given = {"after": after, "limit": limit}
        return await self._db.read(
            lambda c: [
                DueVisit(r.id, r.ticket_no, r.visit_round, r.lead_id, r.grade == "urgent")
                for r in c.execute(_LIST_DUE_VISITS, given)
            ]
        )

    async def get_number(self, call_id: int) -> str | None:
        sealed = await self._db.read(lambda c: c.execute(_GET_NUMBER, {"call": call_id}).scalar())
        return self._vault.open("calls", call_id, "to", sealed)

    async def get_requester_phone(self, ticket_id: int) -> str | None:
        sealed = await self._db.read(lambda c: c.execute(_GET_REQUESTER_PHONE, {"ticket": ticket_id}).scalar())
        return self._vault.open("tickets", ticket_id, "phone", sealed)

    async def measure_usage(self, since: datetime) -> CallUsage:
        row = await self._db.read(lambda c: c.execute(_MEASURE_USAGE, {"since": to_micros(since)}).one())
        return CallUsage(int(row[0]), int(row[1]))

    async def list_visit_calls(self, number: str, since: datetime, except_call: int) -> Sequence[datetime]:
        given = {"phone": self._vault.blind_index(number), "since": to_micros(since), "call": except_call}
        return await self._db.read(lambda c: [from_micros(v) for v in c.execute(_LIST_VISIT_CALLS, given).scalars()])

    async def find_provider_ids(self, provider_ids: Collection[str]) -> frozenset[str]:
        given = {"ids": list(provider_ids)}
        return await self._db.read(lambda c: frozenset(c.execute(_FIND_PROVIDER_IDS, given).scalars()))

    async def add_do_not_call(self, phone_index: str, at: datetime, call_id: int | None) -> None:
        def work(c: Connection) -> None:
            row = {"phone_index": phone_index, "at": to_micros(at), "call_id": call_id}
            c.execute(self._insert_blocked, row)
            c.execute(_MARK_DO_NOT_CALL, {"b_phone": phone_index})

        await self._db.write(work)

    async def is_do_not_call(self, number: str) -> bool:
        given = {"phone": self._vault.blind_index(number)}
        return await self._db.read(lambda c: c.execute(_IS_DO_NOT_CALL, given).scalar()) is not None

    async def find_missed(self, person: str) -> Call | None:
        return await self._db.read(lambda c: find_call(c, _FIND_MISSED, {"person": person}))

    async def find_pending_visit(self, number: str) -> Call | None:
        given = {"phone": self._vault.blind_index(number)}
        return await self._db.read(lambda c: find_call(c, _FIND_PENDING_VISIT, given))
