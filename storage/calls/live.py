"""Calls in progress: each step is recorded once, and the carrier's reports in any order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from backend.domain.instants import to_micros
from backend.ports.calls import AttemptReport, DialogueStep, LiveCall
from storage import tables as t
from storage.calls.mapping import SELECT_ATTEMPTS, D, K, to_live_call
from storage.engine.compiled import Compiled
from storage.engine.database import Database
from storage.engine.mapping import encode

_TERMINAL = ("completed", "busy", "no-answer", "failed", "canceled")
#: An attempt from which anything was heard was certainly placed.
_PLACED_STATE = case((D.state.in_(("asking", "ambiguous")), "placed"), else_=D.state)
_ATTEMPT = bindparam("b_attempt", type_=BigInteger, required=False)
_CALL = select(D.call_id).where(D.id == _ATTEMPT).scalar_subquery()


def _text_param(name: str) -> Any:
    return bindparam(name, type_=Text, required=False)


# The statements for steps and reports are built once, so that a call in progress does not wait for SQL to be built.
_SELECT_ATTEMPT = Compiled(SELECT_ATTEMPTS.where(D.id == _ATTEMPT))
_UPDATE_ATTEMPT = (
    update(t.call_attempts)
    .where(D.id == _ATTEMPT, D.next_step == bindparam("b_step", type_=Integer, required=False))
    .values({
        "next_step": D.next_step + 1, "last_prompt": _text_param("b_prompt"), "keys": D["keys"] + _text_param("b_keys"), "state": _PLACED_STATE,
        "answered_at": func.coalesce(D.answered_at, bindparam("b_at", type_=BigInteger, required=False)),
        "provider_id": func.coalesce(D.provider_id, _text_param("b_provider")),
        "answered_by": func.coalesce(_text_param("b_answerer"), D.answered_by),
        "recording": func.coalesce(_text_param("b_recording"), D.recording),
    })
)  # fmt: skip
_UPDATE_CALL = update(t.calls).where(K.attempt_id == _ATTEMPT).values({
    "position": _text_param("b_position"), "answers": _text_param("b_answers"), "keys": K["keys"] + _text_param("b_keys"),
})  # fmt: skip
_UPDATE_ATTEMPT_ONLY, _UPDATE_CALL_ONLY = (
    Compiled(_UPDATE_ATTEMPT),
    Compiled(_UPDATE_CALL.where(K.id == _CALL)),
)  # SQLite: two statements, no round trip


def _build_step() -> Compiled:
    """PostgreSQL: both in one statement, which is its own transaction."""
    taken = _UPDATE_ATTEMPT.returning(D.call_id).cte("taken")
    kept = _UPDATE_CALL.where(K.id == taken.c.call_id).returning(K.id).cte("kept")
    return Compiled(select(taken.c.call_id).add_cte(kept))


_STEP = _build_step()
_REPORT = (
    update(t.call_attempts)
    .where(D.id == _ATTEMPT, or_(D.status.is_(None), D.status.not_in(_TERMINAL)))
    .values(
        status=_text_param("b_status"), state=_PLACED_STATE, provider_id=func.coalesce(D.provider_id, _text_param("b_provider")),
        sequence=func.coalesce(bindparam("b_sequence", type_=Integer, required=False), D.sequence),
        answered_by=func.coalesce(_text_param("b_answerer"), D.answered_by),
        answered_at=func.coalesce(D.answered_at, bindparam("b_answered", type_=BigInteger, required=False)),
        error=func.coalesce(_text_param("b_error"), D.error), cost=func.coalesce(_text_param("b_cost"), D.cost),
        ended_at=bindparam("b_ended", type_=BigInteger, required=False), duration=bindparam("b_duration", type_=Integer, required=False),
    )
)  # fmt: skip
_NEWER_REPORT = _REPORT.where(
    or_(
        bindparam("b_sequence", type_=Integer, required=False).is_(None),
        D.sequence < bindparam("b_sequence", type_=Integer, required=False),
    )
)
_LIST_UNPRICED = (
    SELECT_ATTEMPTS.where(D.state == "done", D.asked_at >= bindparam("since"), D.asked_at < bindparam("until"))
    .where(D.duration > 0, D.cost.is_(None), K.purpose != "inbound")
    .order_by(D.asked_at)
    .limit(bindparam("limit"))
)
#: Sets the columns that are among its parameters, as `_RECORD_TOTALS` does.
_RECORD = update(t.call_attempts).where(D.id == _ATTEMPT)
_DELETE_RECORDINGS = (
    update(t.call_attempts).where(D.recording.is_not(None), D.asked_at < bindparam("b_before")).values(recording=None)
)
_LIST_COSTS = select(D.duration, D.cost).where(D.call_id == _CALL)
_RECORD_TOTALS = update(t.calls).where(K.id == _CALL)


class LiveCalls:
    """The part of `SqlCallStore` for calls in progress."""

    _db: Database

    async def find_live_call(self, attempt_id: int) -> LiveCall | None:
        rows = await _SELECT_ATTEMPT.read(self._db, {"b_attempt": attempt_id})
        return to_live_call(rows[0]) if rows else None

    async def record_step(self, step: DialogueStep) -> bool:
        taken = {
            "b_attempt": step.attempt_id, "b_step": step.step, "b_prompt": encode(step.prompt), "b_keys": step.keys,
            "b_at": to_micros(step.at), "b_provider": step.provider_id or None, "b_answerer": step.answered_by or None,
            "b_recording": step.recording or None,
        }  # fmt: skip
        kept = {
            "b_attempt": step.attempt_id, "b_position": step.position, "b_answers": encode(step.answers), "b_keys": step.keys,
        }  # fmt: skip

        def work(c: Connection) -> bool:
            if _UPDATE_ATTEMPT_ONLY.execute(c, taken) != 1:
                return False
            _UPDATE_CALL_ONLY.execute(c, kept)
            return True

        if self._db.dialect == "postgresql":
            return bool(await _STEP.write(self._db, {**taken, **kept}))

        return await self._db.write(work)

    async def record_report(self, attempt_id: int, report: AttemptReport) -> bool:
        at = to_micros(report.at)
        values = {
            "b_attempt": attempt_id, "b_status": report.status, "b_provider": report.provider_id or None,
            "b_sequence": report.sequence, "b_answerer": report.answered_by or None,
            "b_answered": at if report.status == "in-progress" else None, "b_error": report.error or None,
            "b_cost": report.cost or None, "b_ended": at if report.terminal else None, "b_duration": report.duration,
        }  # fmt: skip

        def work(c: Connection) -> bool:
            if c.execute(_REPORT if report.terminal else _NEWER_REPORT, values).rowcount != 1:
                return False
            if report.terminal and (report.duration or report.cost):
                _update_totals(c, attempt_id)
            return True

        return await self._db.write(work)

    async def list_unpriced(self, since: datetime, until: datetime, limit: int) -> Sequence[LiveCall]:
        given = {"since": to_micros(since), "until": to_micros(until), "limit": limit}
        return await self._db.read(lambda c: [to_live_call(r) for r in c.execute(_LIST_UNPRICED, given)])

    async def record_cost(self, attempt_id: int, cost: str) -> None:
        def work(c: Connection) -> None:
            c.execute(_RECORD, {"b_attempt": attempt_id, "cost": cost})
            _update_totals(c, attempt_id)

        await self._db.write(work)

    async def record_recording(self, attempt_id: int, url: str) -> None:
        await self._db.execute(_RECORD, {"b_attempt": attempt_id, "recording": url})

    async def delete_recordings(self, before: datetime) -> int:
        return await self._db.execute(_DELETE_RECORDINGS, {"b_before": to_micros(before)})


def _update_totals(c: Connection, attempt_id: int) -> None:
    """Sum up all attempts of the call: seconds, and cost if it is of one currency."""
    rows = c.execute(_LIST_COSTS, {"b_attempt": attempt_id}).all()
    seconds = sum(r.duration or 0 for r in rows)
    paid = [r.cost.split(" ", 1) for r in rows if r.cost]
    one = {currency for _, *rest in paid for currency in rest or ("",)}
    cost = f"{sum(float(p[0]) for p in paid):.5f} {one.pop()}".strip() if len(one) == 1 else None
    c.execute(_RECORD_TOTALS, {"b_attempt": attempt_id, "duration": seconds, "cost": cost})
