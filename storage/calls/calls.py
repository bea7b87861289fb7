"""Calls: an attempt is stored before the carrier is asked, and is settled once."""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    Integer,
    Text,
    bindparam,
    exists,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from backend.domain.instants import to_micros
from backend.domain.ticket_enums import State
from backend.ports.calls import CALLS_OWNER, AttemptResult, Call, LiveCall, NewCall, PhoneMessage
from storage import tables as t
from storage.calls.live import LiveCalls
from storage.calls.mapping import (
    SELECT_ATTEMPTS,
    SELECT_CALLS,
    SELECT_PHONE_MESSAGES,
    D,
    K,
    T,
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

R = TypeVar("R")
M = t.outbox.c
_NOW, _LIMIT = bindparam("now", type_=BigInteger), bindparam("limit", type_=Integer)
_B_ID, _B_ATTEMPT = bindparam("b_id", type_=BigInteger), bindparam("b_attempt", type_=BigInteger)

# -- planning; an update also sets the columns that are among its parameters

_LIST_DUE_MESSAGES = (
    SELECT_PHONE_MESSAGES.where(M.state == "pending", M.channel == "phone", M.not_before <= _NOW)
    .order_by(M.urgent.desc(), M.not_before, M.id)
    .limit(_LIMIT)
)
_TAKE_MESSAGE = (
    update(t.outbox)
    .where(M.id == _B_ID, M.state == "pending")
    .values(state="sending", owner=CALLS_OWNER, lease_until=None, attempts=M.attempts + 1)
)
_P, _X, _OTHER = t.rating_pages.c, t.requester_texts.c, t.calls.alias("other").c
_LIST_WAITED_OUT = (
    SELECT_CALLS.where(
        K.purpose == "visit",
        K.round == T.visit_round,
        K.ticket_id.in_(select(_P.ticket_id).where(_P.expires_at <= _NOW)),
        T.state == State.REVISIT_AUTO.value,
        ~exists().where(_P.ticket_id == T.id, _P.round == T.visit_round, _P.expires_at > _NOW),
        ~exists().where(_X.ticket_id == T.id, _X.round == T.visit_round, _X.next_at.is_not(None)),
        ~exists().where(_OTHER.ticket_id == T.id, _OTHER.state != "done"),
    )
    .order_by(K.id)
    .limit(_LIMIT)
)
_LIST_DUE = (
    SELECT_CALLS.where(K.state == "waiting", K.next_at <= _NOW).order_by(K.urgent.desc(), K.next_at, K.id).limit(_LIMIT)
)
_LIST_OVERDUE = (
    SELECT_ATTEMPTS.where(K.state == "live", K.next_at <= _NOW, D.id == K.attempt_id).order_by(K.next_at).limit(_LIMIT)
)
_UPDATE_WAITING = update(t.calls).where(K.id == _B_ID, K.state == "waiting")
_POSTPONE = _UPDATE_WAITING.where(K.next_at < bindparam("b_next"))
_CANCEL = _UPDATE_WAITING.values(state="done", next_at=None)

# -- attempts

_LOCK_PHONE = text("SELECT pg_advisory_xact_lock(hashtext(:phone))")
_IS_ENGAGED = exists().where(_OTHER.phone_index == bindparam("b_phone"), _OTHER.state == "live", _OTHER.id != _B_ID)
_FIND_ENGAGED = select(_IS_ENGAGED)
_TAKE_CALL = _UPDATE_WAITING.where(K.next_at <= bindparam("b_now"), ~_IS_ENGAGED).values(state="live", position="")
_COUNT_ATTEMPTS = select(func.count()).select_from(t.call_attempts).where(D.call_id == bindparam("call"))
_INSERT_ATTEMPT = insert(t.call_attempts).values(keys="", sequence=-1, next_step=0)
_MARK_PLACED = (
    update(t.call_attempts)
    .where(D.id == _B_ATTEMPT, D.state.in_(("asking", "ambiguous")))
    .values(state="placed", provider_id=func.coalesce(D.provider_id, bindparam("b_provider", type_=Text)))
)
_MARK_AMBIGUOUS = update(t.call_attempts).where(D.id == _B_ATTEMPT, D.state == "asking").values(state="ambiguous")
_FIND_PROVIDED = select(D.id).where(D.provider_id == bindparam("provider"))
_SETTLE_ATTEMPT = (
    update(t.call_attempts)
    .where(D.id == _B_ATTEMPT, D.outcome.is_(None))
    .values(
        state="done",
        ended_at=func.coalesce(D.ended_at, bindparam("b_at", type_=BigInteger)),
        error=func.coalesce(bindparam("b_error", type_=Text), D.error),
    )
)
#: The call in progress by this attempt.
_UPDATE_LIVE = update(t.calls).where(
    K.id == select(D.call_id).where(D.id == _B_ATTEMPT).scalar_subquery(),
    K.attempt_id == _B_ATTEMPT,
    K.state == "live",
)
_SETTLE_LIVE = _UPDATE_LIVE.values(attempt_count=K.attempt_count + bindparam("b_counts", type_=Integer))
_INSERT_CALL = insert(t.calls)


class SqlCallStore(LiveCalls, CallQueries, CallRecords):
    """`CallStore` on either engine (FW7, FW14, FW16)."""

    def __init__(self, db: Database, ids: IdSupply, vault: Encryption) -> None:
        self._db = db
        self._ids = ids
        self._vault = vault
        is_open = db.gate.is_admitted("calls")
        self._take_message, self._postpone = _TAKE_MESSAGE.where(is_open), _POSTPONE.where(is_open)
        self._take_call, self._insert_new_call = _TAKE_CALL.where(is_open), insert_new(db.dialect, t.calls)
        self._insert_blocked = insert_new(db.dialect, t.do_not_call)
        self._insert_invalid = insert_new(db.dialect, t.invalid_numbers)
        self._insert_draft = insert_new(db.dialect, t.unreachable_drafts)

    # -- planning

    async def list_due_messages(self, now: datetime, limit: int) -> Sequence[PhoneMessage]:
        return await self._list_at(now, limit, _LIST_DUE_MESSAGES, to_phone_message)

    async def enqueue(self, new: NewCall) -> int | None:
        await self._ids.refill(1)
        call_id = self._ids.take()
        row = self._build_row(call_id, new) | {"state": "waiting"}

        def work(c: Connection) -> int | None:
            if new.outbox_id is not None and c.execute(self._take_message, {"b_id": new.outbox_id}).rowcount != 1:
                return None
            kept = c.execute(self._insert_new_call, row)
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

    async def list_waited_out(self, now: datetime, limit: int) -> Sequence[Call]:
        return await self._list_at(now, limit, _LIST_WAITED_OUT, to_call)

    async def list_due(self, now: datetime, limit: int) -> Sequence[Call]:
        return await self._list_at(now, limit, _LIST_DUE, to_call)

    async def list_overdue(self, now: datetime, limit: int) -> Sequence[LiveCall]:
        return await self._list_at(now, limit, _LIST_OVERDUE, to_live_call)

    async def _list_at(self, now: datetime, limit: int, query: Executable, convert: Callable[[Any], R]) -> list[R]:
        given = {"now": to_micros(now), "limit": limit}
        return await self._db.read(lambda c: [convert(row) for row in c.execute(query, given)])

    async def postpone(self, call_id: int, next_at: datetime) -> bool:
        """Postpone a waiting call; one that another process postponed further is not brought forward."""
        at = to_micros(next_at)
        return await self._db.execute(self._postpone, {"b_id": call_id, "b_next": at, "next_at": at}) == 1

    async def cancel(self, call_id: int, at: datetime, outcome: str | None = None) -> bool:
        ended: dict[str, object] = {"b_id": call_id, "ended_at": to_micros(at)}
        if outcome is not None:
            ended["outcome"] = outcome
        return await self._db.execute(_CANCEL, ended) == 1

    # -- attempts

    async def is_engaged(self, call_id: int, number: str) -> bool:
        """Whether that telephone is in another call."""
        given = {"b_phone": self._vault.blind_index(number), "b_id": call_id}
        return await self._db.read(lambda c: bool(c.execute(_FIND_ENGAGED, given).scalar_one()))

    async def begin_attempt(
        self, call_id: int, number: str, masked: str, now: datetime, check_at: datetime
    ) -> int | None:
        """Start an attempt, durable before the carrier is asked (FW14); return its id, or None (see the port)."""
        await self._ids.refill(1)
        attempt_id, phone = self._ids.take(), self._vault.blind_index(number)
        taken = {
            "b_id": call_id, "b_now": to_micros(now), "b_phone": phone, "next_at": to_micros(check_at), "attempt_id": attempt_id,
            "to_sealed": self._vault.seal("calls", call_id, "to", number), "to_masked": masked, "phone_index": phone,
        }  # fmt: skip

        def work(c: Connection) -> int | None:
            if c.dialect.name == "postgresql":
                c.execute(_LOCK_PHONE, {"phone": phone})
            if c.execute(self._take_call, taken).rowcount != 1:
                return None
            earlier = c.execute(_COUNT_ATTEMPTS, {"call": call_id}).scalar_one()
            c.execute(_INSERT_ATTEMPT, _build_attempt(attempt_id, call_id, earlier + 1, "asking", now))
            return attempt_id

        return await self._db.write(work)

    async def mark_placed(self, attempt_id: int, provider_id: str, check_at: datetime) -> bool:
        def work(c: Connection) -> bool:
            if c.execute(_MARK_PLACED, {"b_attempt": attempt_id, "b_provider": provider_id}).rowcount != 1:
                return False
            c.execute(_UPDATE_LIVE, {"b_attempt": attempt_id, "next_at": to_micros(check_at)})
            return True

        try:
            return await self._db.write(work)
        except IntegrityError:
            return False

    async def mark_ambiguous(self, attempt_id: int, error: str) -> None:
        await self._db.execute(_MARK_AMBIGUOUS, {"b_attempt": attempt_id, "error": error})

    async def postpone_check(self, attempt_id: int, at: datetime) -> None:
        await self._db.execute(_UPDATE_LIVE, {"b_attempt": attempt_id, "next_at": to_micros(at)})

    async def settle_attempt(self, result: AttemptResult) -> bool:
        at, again = to_micros(result.at), result.next_at
        mine = {"b_attempt": result.attempt_id, "outcome": result.outcome}
        settled: dict[str, object] = {
            **mine, "b_counts": int(result.counts), "state": "done" if again is None else "waiting", "next_at": encode(again),
        }  # fmt: skip
        if again is None:
            settled["ended_at"] = at

        def work(c: Connection) -> bool:
            if c.execute(_SETTLE_ATTEMPT, {**mine, "b_at": at, "b_error": result.error or None}).rowcount != 1:
                return False
            c.execute(_SETTLE_LIVE, settled)
            return True

        return await self._db.write(work)

    async def open_inbound(self, new: NewCall, provider_id: str) -> int:
        await self._ids.refill(2)
        call_id, attempt_id = self._ids.take(), self._ids.take()
        row = self._build_row(call_id, new) | {"state": "live", "attempt_id": attempt_id}
        # an incoming call does not occupy the caller's own number: it must stay free to be called
        row["phone_index"] = None
        attempt = _build_attempt(attempt_id, call_id, 1, "placed", new.created_at) | {"provider_id": provider_id}
        known = {"provider": provider_id}

        def work(c: Connection) -> int:
            found = c.execute(_FIND_PROVIDED, known).scalar()
            if found is not None:
                return int(found)
            c.execute(_INSERT_CALL, row)
            c.execute(_INSERT_ATTEMPT, attempt)
            return attempt_id

        try:
            return await self._db.write(work)
        except IntegrityError:  # another process was faster with the same request
            return await self._db.read(lambda c: int(c.execute(_FIND_PROVIDED, known).scalar_one()))

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


def _build_attempt(attempt_id: int, call_id: int, number: int, state: str, now: datetime) -> dict[str, object]:
    return {"id": attempt_id, "call_id": call_id, "attempt_no": number, "state": state, "asked_at": to_micros(now)}
