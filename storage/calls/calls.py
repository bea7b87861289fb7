"""Calls: an attempt is stored before the carrier is asked, and is settled once."""

import base64
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from backend.domain.instants import to_micros
from backend.domain.ticket_enums import State
from backend.ports.calls import CALLS_OWNER, AttemptResult, Call, DueVisit, LiveCall, NewCall, PhoneMessage
from storage import tables as t
from storage.calls.live import LiveCalls
from storage.calls.mapping import (
    D,
    K,
    T,
    select_attempts,
    select_calls,
    select_phone_messages,
    to_call,
    to_live_call,
    to_phone_message,
)
from storage.calls.queries import CallQueries
from storage.calls.records import CallRecords
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.mapping import encode

_LOCK_PHONE = text("SELECT pg_advisory_xact_lock(hashtext(:phone))")


class SqlCallStore(LiveCalls, CallQueries, CallRecords):
    """`CallStore` on either engine (FW7, FW14, FW16)."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db = db
        self._ids = ids
        self._vault = vault

    # -- planning

    async def list_due_messages(self, now: datetime, limit: int) -> Sequence[PhoneMessage]:
        k = t.outbox.c
        query = (
            select_phone_messages()
            .where(k.state == "pending", k.channel == "phone", k.not_before <= to_micros(now))
            .order_by(k.urgent.desc(), k.not_before, k.id)
            .limit(limit)
        )
        return await self._db.fetch_all(query, to_phone_message)

    async def enqueue(self, new: NewCall) -> int | None:
        await self._ids.refill(1)
        call_id = self._ids.take()
        row = self._build_row(call_id, new) | {"state": "waiting"}
        k, is_open = t.outbox.c, self._db.gate.is_admitted("calls")

        def work(c: Connection) -> int | None:
            if new.outbox_id is not None:
                mine = update(t.outbox).where(k.id == new.outbox_id, k.state == "pending", is_open)
                mine = mine.values(state="sending", owner=CALLS_OWNER, lease_until=None, attempts=k.attempts + 1)
                if c.execute(mine).rowcount != 1:
                    return None
            kept = c.execute(insert_new(c.dialect.name, t.calls).values(row))
            return call_id if kept.rowcount == 1 else None

        return await self._db.write(work)

    def _build_row(self, call_id: int, new: NewCall) -> dict[str, object]:
        sealed = None if new.phone is None else self._vault.seal("calls", call_id, "to", new.phone)
        return {
            "id": call_id, "purpose": new.purpose, "outbox_id": new.outbox_id, "ticket_id": new.ticket_id,
            "assignment_id": new.assignment_id, "person": new.person, "round": new.round, "to_sealed": sealed,
            "to_masked": new.masked, "script": new.script, "position": "", "facts": encode(new.facts), "answers": "{}",
            "keys": "", "next_at": encode(new.next_at),
            "created_at": to_micros(new.created_at), "urgent": new.urgent,
            "phone_index": None if new.phone is None else self._vault.blind_index(new.phone),
        }  # fmt: skip

    async def list_due_visits(self, limit: int, after: int = 0) -> Sequence[DueVisit]:
        planned = exists().where(K.purpose == "visit", K.ticket_id == T.id, K.round == T.visit_round)
        query = (
            select(T.id, T.ticket_no, T.visit_round, T.lead_id, T.grade)
            .where(T.state == State.REVISIT_AUTO.value, T.id > after, ~planned)
            .order_by(T.id)
            .limit(limit)
        )

        return await self._db.fetch_all(
            query, lambda r: DueVisit(r.id, r.ticket_no, r.visit_round, r.lead_id, r.grade == "urgent")
        )

    async def list_waited_out(self, now: datetime, limit: int) -> Sequence[Call]:
        p, x, other = t.rating_pages.c, t.requester_texts.c, t.calls.alias().c
        expired = select(p.ticket_id).where(p.expires_at <= to_micros(now))
        is_open = exists().where(p.ticket_id == T.id, p.round == T.visit_round, p.expires_at > to_micros(now))
        is_texted = exists().where(x.ticket_id == T.id, x.round == T.visit_round, x.next_at.is_not(None))
        is_rung = exists().where(other.ticket_id == T.id, other.state != "done")
        query = select_calls().where(K.purpose == "visit", K.round == T.visit_round, K.ticket_id.in_(expired))
        query = query.where(T.state == State.REVISIT_AUTO.value, ~is_open, ~is_texted, ~is_rung)
        return await self._db.fetch_all(query.order_by(K.id).limit(limit), to_call)

    async def list_due(self, now: datetime, limit: int) -> Sequence[Call]:
        query = select_calls().where(K.state == "waiting", K.next_at <= to_micros(now))
        query = query.order_by(K.urgent.desc(), K.next_at, K.id).limit(limit)
        return await self._db.fetch_all(query, to_call)

    async def list_overdue(self, now: datetime, limit: int) -> Sequence[LiveCall]:
        query = select_attempts().where(K.state == "live", K.next_at <= to_micros(now), D.id == K.attempt_id)
        query = query.order_by(K.next_at).limit(limit)
        return await self._db.fetch_all(query, to_live_call)

    async def postpone(self, call_id: int, next_at: datetime) -> bool:
        """Postpone a waiting call; one that another process postponed further is not brought forward."""
        query = update(t.calls).where(K.id == call_id, K.state == "waiting", K.next_at < to_micros(next_at))
        query = query.where(self._db.gate.is_admitted("calls")).values(next_at=to_micros(next_at))
        return await self._db.execute(query) == 1

    async def cancel(self, call_id: int, at: datetime, outcome: str | None = None) -> bool:
        values: dict[str, object] = {"state": "done", "next_at": None, "ended_at": to_micros(at)}
        if outcome is not None:
            values["outcome"] = outcome
        query = update(t.calls).where(K.id == call_id, K.state == "waiting").values(**values)
        return await self._db.execute(query) == 1

    # -- attempts

    async def is_engaged(self, call_id: int, number: str) -> bool:
        """Whether that telephone is in another call."""
        phone = self._vault.blind_index(number)
        other = select(K.id).where(K.phone_index == phone, K.state == "live", K.id != call_id).limit(1)
        return await self._db.fetch_first(other) is not None

    async def begin_attempt(
        self, call_id: int, number: str, masked: str, now: datetime, check_at: datetime
    ) -> int | None:
        """Start an attempt, durable before the carrier is asked (FW14); return its id, or None (see the port)."""
        await self._ids.refill(1)
        attempt_id, phone = self._ids.take(), self._vault.blind_index(number)
        sealed = self._vault.seal("calls", call_id, "to", number)
        other = t.calls.alias("other")
        engaged = exists().where(other.c.phone_index == phone, other.c.state == "live", other.c.id != call_id)
        take = (
            update(t.calls)
            .where(K.id == call_id, K.state == "waiting", K.next_at <= to_micros(now), ~engaged,
                   self._db.gate.is_admitted("calls"))
            .values(state="live", next_at=to_micros(check_at), attempt_id=attempt_id, to_sealed=sealed, to_masked=masked,
                    phone_index=phone, position="")
        )  # fmt: skip

        def work(c: Connection) -> int | None:
            if c.dialect.name == "postgresql":
                c.execute(_LOCK_PHONE, {"phone": phone})
            if c.execute(take).rowcount != 1:
                return None
            number = c.execute(
                select(func.count()).select_from(t.call_attempts).where(D.call_id == call_id)
            ).scalar_one()
            c.execute(_insert_attempt(attempt_id, call_id, number + 1, "asking", now))
            return attempt_id

        return await self._db.write(work)

    async def mark_placed(self, attempt_id: int, provider_id: str, check_at: datetime) -> bool:
        done = update(t.call_attempts).where(D.id == attempt_id, D.state.in_(("asking", "ambiguous")))
        done = done.values(state="placed", provider_id=func.coalesce(D.provider_id, provider_id))

        def work(c: Connection) -> bool:
            if c.execute(done).rowcount != 1:
                return False
            c.execute(_update_live_call(attempt_id).values(next_at=to_micros(check_at)))
            return True

        try:
            return await self._db.write(work)
        except IntegrityError:
            return False

    async def mark_ambiguous(self, attempt_id: int, error: str) -> None:
        query = (
            update(t.call_attempts)
            .where(D.id == attempt_id, D.state == "asking")
            .values(state="ambiguous", error=error)
        )
        await self._db.execute(query)

    async def postpone_check(self, attempt_id: int, at: datetime) -> None:
        await self._db.execute(_update_live_call(attempt_id).values(next_at=to_micros(at)))

    async def find_provider_ids(self, provider_ids: Collection[str]) -> frozenset[str]:
        query = select(D.provider_id).where(D.provider_id.in_(list(provider_ids)))
        return frozenset(await self._db.fetch_column(query))

    async def settle_attempt(self, result: AttemptResult) -> bool:
        at = to_micros(result.at)
        judge = update(t.call_attempts).where(D.id == result.attempt_id, D.outcome.is_(None))
        judge = judge.values(
            state="done", outcome=result.outcome, ended_at=func.coalesce(D.ended_at, at), error=result.error or D.error
        )
        again = result.next_at
        values: dict[str, object] = {
            "outcome": result.outcome, "attempt_count": K.attempt_count + int(result.counts),
            "state": "done" if again is None else "waiting", "next_at": encode(again),
        }  # fmt: skip
        if again is None:
            values["ended_at"] = at

        def work(c: Connection) -> bool:
            if c.execute(judge).rowcount != 1:
                return False
            c.execute(_update_live_call(result.attempt_id).values(**values))
            return True

        return await self._db.write(work)

    async def open_inbound(self, new: NewCall, provider_id: str) -> int:
        await self._ids.refill(2)
        call_id, attempt_id = self._ids.take(), self._ids.take()
        row = self._build_row(call_id, new) | {"state": "live", "attempt_id": attempt_id}
        # an incoming call does not occupy the caller's own number: it must stay free to be called
        row["phone_index"] = None
        known = select(D.id).where(D.provider_id == provider_id)

        def work(c: Connection) -> int:
            found = c.execute(known).scalar()
            if found is not None:
                return int(found)
            c.execute(insert(t.calls).values(row))
            attempt = _insert_attempt(attempt_id, call_id, 1, "placed", new.created_at).values(provider_id=provider_id)
            c.execute(attempt)
            return attempt_id

        try:
            return await self._db.write(work)
        except IntegrityError:  # another process was faster with the same request
            return int(await self._db.read(lambda c: c.execute(known).scalar_one()))

    # -- parameters of carrier URLs

    def seal_param(self, attempt_id: int, text: str) -> str:
        return (
            base64.urlsafe_b64encode(self._vault.seal("call_attempts", attempt_id, "carried", text))
            .decode()
            .rstrip("=")
        )

    def open_param(self, attempt_id: int, sealed: str) -> str:
        raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        return self._vault.open("call_attempts", attempt_id, "carried", raw) or ""


def _insert_attempt(attempt_id: int, call_id: int, number: int, state: str, now: datetime) -> Any:
    return insert(t.call_attempts).values(
        id=attempt_id,
        call_id=call_id,
        attempt_no=number,
        state=state,
        asked_at=to_micros(now),
        keys="",
        sequence=-1,
        next_step=0,
    )


def _update_live_call(attempt_id: int) -> Any:
    """Update of the call in progress by this attempt."""
    mine = select(D.call_id).where(D.id == attempt_id).scalar_subquery()
    return update(t.calls).where(K.id == mine, K.attempt_id == attempt_id, K.state == "live")
