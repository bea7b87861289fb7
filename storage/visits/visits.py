"""Visits: manual tasks with the answers so far, the do-not-call list, recordings, and counts."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, and_, case, cast, delete, func, insert, or_, select, update

from backend.domain.instants import from_micros, to_micros
from backend.domain.ticket_enums import State
from backend.domain.typed_numbers import list_spellings
from backend.ports.visits import CallTally, DoNotCallEntry, Recording, VisitRecord, VisitTally, VisitTask
from storage import tables as t
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.mapping import decode_instant

T, V, K, D, A = t.tickets.c, t.visits.c, t.calls.c, t.call_attempts.c, t.assignments.c
REF_LENGTH = 16  # characters of a blind index that identify an entry


class SqlVisitStore:
    """`VisitStore` on either engine."""

    def __init__(self, db: Database, vault: Encryption) -> None:
        self._db = db
        self._vault = vault

    # -- tasks

    async def list_tasks(self, limit: int) -> Sequence[VisitTask]:
        return await self._load_tasks(T.state == State.REVISIT_MANUAL.value, limit)

    async def find_task(self, ticket_no: str) -> VisitTask | None:
        spellings = list_spellings(ticket_no)
        meant = and_(T.ticket_no.in_(spellings), T.state == State.REVISIT_MANUAL.value)
        found = await self._load_tasks(meant, len(spellings))
        return min(found, key=lambda task: spellings.index(task.ticket_no), default=None)

    async def _load_tasks(self, which: Any, limit: int) -> Sequence[VisitTask]:
        u = t.duties.c
        due = select(func.min(u.due_at)).where(u.ticket_id == T.id, u.kind == "revisit", u.met_at.is_(None))
        grade = select(func.max(u.grade)).where(u.ticket_id == T.id, u.kind == "revisit", u.met_at.is_(None))
        due_at = due.scalar_subquery().label("due_at")
        query = (
            select(T.id, T.ticket_no, T.visit_round, T.category, T.grade, T.flags, T.management, T.generated_at, T.closed_at,
                   T.phone_tail, T.do_not_call, T.name_sealed, A.unit, due_at, grade.scalar_subquery().label("duty_grade"))
            .select_from(t.tickets.outerjoin(t.assignments, A.id == T.lead_id))
            .where(which)
            .order_by(due_at, T.id)
            .limit(limit)
        )  # fmt: skip

        def work(c: Connection) -> list[VisitTask]:
            return [self._build_task(c, row) for row in c.execute(query).all()]

        return await self._db.read(work)

    def _build_task(self, c: Connection, r: Any) -> VisitTask:
        round_ = max(r.visit_round, 1)
        visits = select(t.visits).where(V.ticket_id == r.id, V.round == round_).order_by(V.at, V.id)
        mine = K.ticket_id == r.id, K.round == round_, K.script.in_(("visit", "visit_menu", "inbound_caller"))
        answers: dict[str, Any] = {}
        for kept in c.execute(select(K.answers).where(*mine).order_by(K.id)).scalars():
            answers |= json.loads(kept)
        recordings = select(D.id).join(t.calls, K.id == D.call_id).where(*mine, D.recording.is_not(None)).order_by(D.id)
        return VisitTask(
            r.id, r.ticket_no, round_, r.category, r.grade, frozenset(r.flags.split()), r.management, r.unit,
            from_micros(r.generated_at), decode_instant(r.closed_at), decode_instant(r.due_at), r.duty_grade == "urgent" and r.grade != "urgent",
            r.phone_tail, bool(r.do_not_call), self._vault.open("tickets", r.id, "name", r.name_sealed), answers,
            tuple(c.execute(recordings).scalars()),
            tuple(VisitRecord(v.kind, from_micros(v.at), v.by, v.answer, v.contacted, v.resolved, v.note)
                  for v in c.execute(visits)),
        )  # fmt: skip

    async def list_awaiting_result(self, limit: int) -> Sequence[str]:
        """List numbers of closed tickets whose result was not reported yet, oldest first."""
        query = select(T.ticket_no).where(T.state == State.CLOSED.value).order_by(T.closed_at, T.id).limit(limit)
        return await self._db.fetch_column(query)

    # -- do-not-call list

    async def list_blocked(self, limit: int) -> Sequence[DoNotCallEntry]:
        n = t.do_not_call.c
        query = select(t.do_not_call).order_by(n.at.desc()).limit(limit)

        def work(c: Connection) -> list[DoNotCallEntry]:
            return [
                DoNotCallEntry(r.phone_index[:REF_LENGTH], r.masked or self._find_mask(c, r.call_id), from_micros(r.at), r.by or "phone",
                        r.reason or "")
                for r in c.execute(query).all()
            ]  # fmt: skip

        return await self._db.read(work)

    @staticmethod
    def _find_mask(c: Connection, call_id: int | None) -> str:
        return c.execute(select(K.to_masked).where(K.id == call_id)).scalar() or ""

    async def block(self, phone: str, masked: str, reason: str, by: str, at: datetime) -> bool:
        index, n = self._vault.blind_index(phone), t.do_not_call.c

        def work(c: Connection) -> bool:
            if c.execute(select(n.at).where(n.phone_index == index)).first() is not None:
                return False
            row = {"phone_index": index, "at": to_micros(at), "masked": masked, "reason": reason, "by": by}
            c.execute(insert(t.do_not_call).values(row))
            c.execute(update(t.tickets).where(T.phone_index == index).values(do_not_call=True))
            return True

        return await self._db.write(work)

    async def unblock(self, *, ref: str = "", phone: str = "") -> str | None:
        """Remove an entry; return its mask, None if there is none."""
        n = t.do_not_call.c
        which = (
            n.phone_index == self._vault.blind_index(phone)
            if phone
            else func.substr(n.phone_index, 1, REF_LENGTH) == ref
        )

        def work(c: Connection) -> str | None:
            row = c.execute(select(t.do_not_call).where(which)).first()
            if row is None:
                return None
            c.execute(delete(t.do_not_call).where(n.phone_index == row.phone_index))
            c.execute(update(t.tickets).where(T.phone_index == row.phone_index).values(do_not_call=False))
            return row.masked or self._find_mask(c, row.call_id) or "-"

        return await self._db.write(work)

    # -- recordings and counts

    async def find_recording(self, attempt_id: int) -> Recording | None:
        query = (
            select(D.recording, T.ticket_no, K.purpose)
            .select_from(t.call_attempts.join(t.calls, K.id == D.call_id).outerjoin(t.tickets, T.id == K.ticket_id))
            .where(D.id == attempt_id, D.recording.is_not(None))
        )
        return await self._db.fetch_one(query, lambda row: Recording(row.recording, row.ticket_no, row.purpose))

    async def count_visits(self, since: datetime, until: datetime) -> Sequence[VisitTally]:
        """Count visits; `deemed`: final without an answer of the requester's own."""
        no_answer = V.answer.in_(("no_reply", "unreached", "unclear"))
        deemed = case((and_(V.decisive, no_answer), 1), else_=0)
        unit = func.coalesce(A.unit, "")
        by = case((or_(V.kind == "manual", V.source == "import"), V.by), else_="")
        query = (
            select(unit, by, V.kind, V.answer, V.decisive, deemed, func.count())
            .select_from(t.visits.outerjoin(t.assignments, A.id == V.assignment_id))
            .where(V.at >= to_micros(since), V.at < to_micros(until))
            .group_by(unit, by, V.kind, V.answer, V.decisive, deemed)
        )

        return await self._db.fetch_all(
            query, lambda r: VisitTally(r[0], r[1], r[2], r[3], bool(r[4]), bool(r[5]), r[6])
        )

    async def count_calls(self, since: datetime, until: datetime) -> Sequence[CallTally]:
        unit, outcome = func.coalesce(A.unit, ""), func.coalesce(K.outcome, cast(K.state, String))
        attempts = select(func.count()).select_from(t.call_attempts).where(D.call_id == K.id).scalar_subquery()
        query = (
            select(unit.label("unit"), outcome.label("outcome"), attempts.label("attempts"), K.cost)
            .select_from(t.calls.outerjoin(t.assignments, A.id == K.assignment_id))
            .where(K.script.in_(("visit", "visit_menu", "inbound_caller")), K.created_at >= to_micros(since),
                   K.created_at < to_micros(until))
        )  # fmt: skip

        def work(c: Connection) -> list[CallTally]:
            sums: dict[tuple[str, str], list[Any]] = {}
            for r in c.execute(query):
                entry = sums.setdefault((r.unit, r.outcome), [0, 0, []])
                entry[0] += 1
                entry[1] += r.attempts
                entry[2] += [r.cost] if r.cost else []
            return [CallTally(unit, out, e[0], e[1], tuple(e[2])) for (unit, out), e in sorted(sums.items())]

        return await self._db.read(work)
