"""Visits: manual tasks with the answers so far, the do-not-call list, recordings, and counts."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    Integer,
    String,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from backend.domain.instants import from_micros, to_micros
from backend.domain.ticket_enums import State
from backend.domain.typed_numbers import list_spellings
from backend.ports.visits import CallTally, DoNotCallEntry, Recording, VisitRecord, VisitTally, VisitTask
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.mapping import decode_instant

T, V, K, D, A = t.tickets.c, t.visits.c, t.calls.c, t.call_attempts.c, t.assignments.c
U, N = t.duties.c, t.do_not_call.c
REF_LENGTH = 16  # characters of a blind index that identify an entry
_LIMIT = bindparam("limit", type_=Integer)
_SINCE, _UNTIL = bindparam("since", type_=BigInteger), bindparam("until", type_=BigInteger)
_VISIT_SCRIPTS = ("visit", "visit_menu", "inbound_caller")

_IS_REVISIT = and_(U.ticket_id == T.id, U.kind == "revisit", U.met_at.is_(None))
_DUE_AT = select(func.min(U.due_at)).where(_IS_REVISIT).scalar_subquery().label("due_at")
_DUTY_GRADE = select(func.max(U.grade)).where(_IS_REVISIT).scalar_subquery().label("duty_grade")
_LIST_TASKS = (
    select(T.id, T.ticket_no, T.visit_round, T.category, T.grade, T.flags, T.management, T.generated_at, T.closed_at,
           T.phone_tail, T.do_not_call, T.name_sealed, A.unit, _DUE_AT, _DUTY_GRADE)
    .select_from(t.tickets.outerjoin(t.assignments, A.id == T.lead_id))
    .where(T.state == State.REVISIT_MANUAL.value)
    .order_by(_DUE_AT, T.id)
    .limit(_LIMIT)
)  # fmt: skip
_FIND_TASKS = _LIST_TASKS.where(T.ticket_no.in_(bindparam("spellings", expanding=True)))
_TICKET, _ROUND = bindparam("ticket", type_=BigInteger), bindparam("round", type_=Integer)
_LIST_VISITS = select(t.visits).where(V.ticket_id == _TICKET, V.round == _ROUND).order_by(V.at, V.id)
_IS_OF_ROUND = and_(K.ticket_id == _TICKET, K.round == _ROUND, K.script.in_(_VISIT_SCRIPTS))
_LIST_ANSWERS = select(K.answers).where(_IS_OF_ROUND).order_by(K.id)
_LIST_RECORDINGS = (
    select(D.id).join(t.calls, K.id == D.call_id).where(_IS_OF_ROUND, D.recording.is_not(None)).order_by(D.id)
)
_LIST_AWAITING_RESULT = (
    select(T.ticket_no).where(T.state == State.CLOSED.value).order_by(T.closed_at, T.id).limit(_LIMIT)
)

_LIST_BLOCKED = select(t.do_not_call).order_by(N.at.desc()).limit(_LIMIT)
_FIND_MASK = select(K.to_masked).where(K.id == bindparam("call"))
_FIND_BY_PHONE = select(t.do_not_call).where(N.phone_index == bindparam("phone"))
_FIND_BY_REF = select(t.do_not_call).where(func.substr(N.phone_index, 1, REF_LENGTH) == bindparam("ref"))
_INSERT_BLOCKED = insert(t.do_not_call)
_DELETE_BLOCKED = delete(t.do_not_call).where(N.phone_index == bindparam("phone"))
_MARK_TICKETS = update(t.tickets).where(T.phone_index == bindparam("b_phone"))

_FIND_RECORDING = (
    select(D.recording, T.ticket_no, K.purpose)
    .select_from(t.call_attempts.join(t.calls, K.id == D.call_id).outerjoin(t.tickets, T.id == K.ticket_id))
    .where(D.id == bindparam("attempt"), D.recording.is_not(None))
)
_UNIT = func.coalesce(A.unit, "")
_VISIT_KIND = (
    _UNIT, case((or_(V.kind == "manual", V.source == "import"), V.by), else_=""), V.kind, V.answer, V.decisive,
    case((and_(V.decisive, V.answer.in_(("no_reply", "unreached", "unclear"))), 1), else_=0),
)  # fmt: skip
_COUNT_VISITS = (
    select(*_VISIT_KIND, func.count())
    .select_from(t.visits.outerjoin(t.assignments, A.id == V.assignment_id))
    .where(V.at >= _SINCE, V.at < _UNTIL)
    .group_by(*_VISIT_KIND)
)
_ATTEMPTS = select(func.count()).select_from(t.call_attempts).where(D.call_id == K.id).scalar_subquery()
_LIST_CALLS = (
    select(
        _UNIT.label("unit"),
        func.coalesce(K.outcome, cast(K.state, String)).label("outcome"),
        _ATTEMPTS.label("attempts"),
        K.cost,
    )
    .select_from(t.calls.outerjoin(t.assignments, A.id == K.assignment_id))
    .where(K.script.in_(_VISIT_SCRIPTS), K.created_at >= _SINCE, K.created_at < _UNTIL)
)


class SqlVisitStore:
    """`VisitStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db = db
        self._vault = vault

    # -- tasks

    async def list_tasks(self, limit: int) -> Sequence[VisitTask]:
        return await self._load_tasks(_LIST_TASKS, {"limit": limit})

    async def find_task(self, ticket_no: str) -> VisitTask | None:
        spellings = list_spellings(ticket_no)
        found = await self._load_tasks(_FIND_TASKS, {"spellings": spellings, "limit": len(spellings)})
        return min(found, key=lambda task: spellings.index(task.ticket_no), default=None)

    async def _load_tasks(self, query: Executable, given: dict[str, Any]) -> Sequence[VisitTask]:
        def work(c: Connection) -> list[VisitTask]:
            return [self._load_task(c, row) for row in c.execute(query, given).all()]

        return await self._db.read(work)

    def _load_task(self, c: Connection, r: Any) -> VisitTask:
        round_ = max(r.visit_round, 1)
        mine = {"ticket": r.id, "round": round_}
        answers: dict[str, Any] = {}
        for kept in c.execute(_LIST_ANSWERS, mine).scalars():
            answers |= json.loads(kept)
        return VisitTask(
            r.id, r.ticket_no, round_, r.category, r.grade, frozenset(r.flags.split()), r.management, r.unit,
            from_micros(r.generated_at), decode_instant(r.closed_at), decode_instant(r.due_at), r.duty_grade == "urgent" and r.grade != "urgent",
            r.phone_tail, bool(r.do_not_call), self._vault.open("tickets", r.id, "name", r.name_sealed), answers,
            tuple(c.execute(_LIST_RECORDINGS, mine).scalars()),
            tuple(VisitRecord(v.kind, from_micros(v.at), v.by, v.answer, v.contacted, v.resolved, v.note)
                  for v in c.execute(_LIST_VISITS, mine)),
        )  # fmt: skip

    async def list_awaiting_result(self, limit: int) -> Sequence[str]:
        """List numbers of closed tickets whose result was not reported yet, oldest first."""
        return await self._db.read(lambda c: list(c.execute(_LIST_AWAITING_RESULT, {"limit": limit}).scalars()))

    # -- do-not-call list

    async def list_blocked(self, limit: int) -> Sequence[DoNotCallEntry]:
        def work(c: Connection) -> list[DoNotCallEntry]:
            return [
                DoNotCallEntry(r.phone_index[:REF_LENGTH], r.masked or self._find_mask(c, r.call_id), from_micros(r.at), r.by or "phone",
                        r.reason or "")
                for r in c.execute(_LIST_BLOCKED, {"limit": limit}).all()
            ]  # fmt: skip

        return await self._db.read(work)

    @staticmethod
    def _find_mask(c: Connection, call_id: int | None) -> str:
        return c.execute(_FIND_MASK, {"call": call_id}).scalar() or ""

    async def block(self, phone: str, masked: str, reason: str, by: str, at: datetime) -> bool:
        index = self._vault.blind_index(phone)

        def work(c: Connection) -> bool:
            if c.execute(_FIND_BY_PHONE, {"phone": index}).first() is not None:
                return False
            row = {"phone_index": index, "at": to_micros(at), "masked": masked, "reason": reason, "by": by}
            c.execute(_INSERT_BLOCKED, row)
            c.execute(_MARK_TICKETS, {"b_phone": index, "do_not_call": True})
            return True

        return await self._db.write(work)

    async def unblock(self, *, ref: str = "", phone: str = "") -> str | None:
        """Remove an entry; return its mask, None if there is none."""
        which, given = (
            (_FIND_BY_PHONE, {"phone": self._vault.blind_index(phone)}) if phone else (_FIND_BY_REF, {"ref": ref})
        )

        def work(c: Connection) -> str | None:
            row = c.execute(which, given).first()
            if row is None:
                return None
            c.execute(_DELETE_BLOCKED, {"phone": row.phone_index})
            c.execute(_MARK_TICKETS, {"b_phone": row.phone_index, "do_not_call": False})
            return row.masked or self._find_mask(c, row.call_id) or "-"

        return await self._db.write(work)

    # -- recordings and counts

    async def find_recording(self, attempt_id: int) -> Recording | None:
        def work(c: Connection) -> Recording | None:
            row = c.execute(_FIND_RECORDING, {"attempt": attempt_id}).first()
            return None if row is None else Recording(row.recording, row.ticket_no, row.purpose)

        return await self._db.read(work)

    async def count_visits(self, since: datetime, until: datetime) -> Sequence[VisitTally]:
        """Count visits; `deemed`: final without an answer of the requester's own."""
        given = {"since": to_micros(since), "until": to_micros(until)}
        return await self._db.read(
            lambda c: [
                VisitTally(r[0], r[1], r[2], r[3], bool(r[4]), bool(r[5]), r[6])
                for r in c.execute(_COUNT_VISITS, given)
            ]
        )

    async def count_calls(self, since: datetime, until: datetime) -> Sequence[CallTally]:
        given = {"since": to_micros(since), "until": to_micros(until)}

        def work(c: Connection) -> list[CallTally]:
            sums: dict[tuple[str, str], list[Any]] = {}
            for r in c.execute(_LIST_CALLS, given):
                entry = sums.setdefault((r.unit, r.outcome), [0, 0, []])
                entry[0] += 1
                entry[1] += r.attempts
                entry[2] += [r.cost] if r.cost else []
            return [CallTally(unit, out, e[0], e[1], tuple(e[2])) for (unit, out), e in sorted(sums.items())]

        return await self._db.read(work)
