"""Calls in progress: each step is recorded once, and the carrier's reports in any order."""

import json
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
    literal,
    or_,
    select,
    update,
)

from backend.domain.instants import to_micros
from backend.ports.calls import News, Step, Talk
from storage import tables as t
from storage.calls_rows import D, K, talk_of, talks
from storage.db import Database
from storage.quick import Quick

_TERMINAL = ("completed", "busy", "no-answer", "failed", "canceled")
#: An attempt from which anything was heard was certainly placed.
_HEARD_OF = case((D.state.in_(("asking", "ambiguous")), "placed"), else_=D.state)
_DIAL = bindparam("b_dial", type_=BigInteger, required=False)
_CALL = select(D.call_id).where(D.id == _DIAL).scalar_subquery()


def _words(name: str) -> Any:
    return bindparam(name, type_=Text, required=False)


# The statements for steps and reports are built once, so that a call in progress does not wait for SQL to be built.
_TALK = Quick(talks().where(D.id == _DIAL))
_TAKE = (
    update(t.dials)
    .where(D.id == _DIAL, D.step == bindparam("b_step", type_=Integer, required=False))
    .values({
        "step": D.step + 1, "said": _words("b_said"), "keys": D["keys"] + _words("b_keys"), "state": _HEARD_OF,
        "answered_at": func.coalesce(D.answered_at, bindparam("b_at", type_=BigInteger, required=False)),
        "provider_id": func.coalesce(D.provider_id, _words("b_provider")),
        "answered_by": func.coalesce(_words("b_answerer"), D.answered_by),
        "recording": func.coalesce(_words("b_recording"), D.recording),
    })
)  # fmt: skip
_KEEP = update(t.calls).where(K.dial_id == _DIAL).values({
    "position": _words("b_position"), "heard": _words("b_heard"), "keys": K["keys"] + _words("b_keys"),
})  # fmt: skip
_TAKE_ALONE, _KEEP_ALONE = Quick(_TAKE), Quick(_KEEP.where(K.id == _CALL))  # SQLite: two statements, no round trip


def _step_at_once() -> Quick:
    """PostgreSQL: both in one statement, which is its own transaction."""
    taken = _TAKE.returning(D.call_id).cte("taken")
    kept = _KEEP.where(K.id == taken.c.call_id).returning(K.id).cte("kept")
    return Quick(select(taken.c.call_id).add_cte(kept))


_STEP = _step_at_once()
_NEWS = (
    update(t.dials)
    .where(D.id == _DIAL, or_(D.status.is_(None), D.status.not_in(_TERMINAL)))
    .values(
        status=_words("b_status"), state=_HEARD_OF, provider_id=func.coalesce(D.provider_id, _words("b_provider")),
        sequence=func.coalesce(bindparam("b_sequence", type_=Integer, required=False), D.sequence),
        answered_by=func.coalesce(_words("b_answerer"), D.answered_by),
        answered_at=func.coalesce(D.answered_at, bindparam("b_answered", type_=BigInteger, required=False)),
        error=func.coalesce(_words("b_error"), D.error), cost=func.coalesce(_words("b_cost"), D.cost),
        ended_at=bindparam("b_ended", type_=BigInteger, required=False), duration=bindparam("b_duration", type_=Integer, required=False),
    )
)  # fmt: skip
_NEWER = _NEWS.where(
    or_(
        bindparam("b_sequence", type_=Integer, required=False).is_(None),
        D.sequence < bindparam("b_sequence", type_=Integer, required=False),
    )
)


class CallsTalk:
    """The part of `SqlCallStore` for calls in progress."""

    _db: Database

    async def talk(self, attempt_id: int) -> Talk | None:
        rows = await _TALK.ask(self._db, {"b_dial": attempt_id})
        return talk_of(rows[0]) if rows else None

    async def take_step(self, step: Step) -> bool:
        taken = {
            "b_dial": step.dial_id, "b_step": step.step, "b_said": _json(step.said), "b_keys": step.keys,
            "b_at": to_micros(step.at), "b_provider": step.provider_id or None, "b_answerer": step.answered_by or None,
            "b_recording": step.recording or None,
        }  # fmt: skip
        kept = {
            "b_dial": step.dial_id, "b_position": step.position, "b_heard": _json(step.heard), "b_keys": step.keys,
        }  # fmt: skip

        def work(c: Connection) -> bool:
            if _TAKE_ALONE.changed(c, taken) != 1:
                return False
            _KEEP_ALONE.changed(c, kept)
            return True

        if self._db.dialect == "postgresql":
            return bool(await _STEP.do(self._db, {**taken, **kept}))

        return await self._db.write(work)

    async def news(self, attempt_id: int, news: News) -> bool:
        at = to_micros(news.at)
        told = {
            "b_dial": attempt_id, "b_status": news.status, "b_provider": news.provider_id or None,
            "b_sequence": news.sequence, "b_answerer": news.answered_by or None,
            "b_answered": at if news.status == "in-progress" else None, "b_error": news.error or None,
            "b_cost": news.cost or None, "b_ended": at if news.terminal else None, "b_duration": news.duration,
        }  # fmt: skip

        def work(c: Connection) -> bool:
            if c.execute(_NEWS if news.terminal else _NEWER, told).rowcount != 1:
                return False
            if news.terminal and (news.duration or news.cost):
                _sum(c, attempt_id)
            return True

        return await self._db.write(work)

    async def unpaid(self, since: datetime, until: datetime, limit: int) -> Sequence[Talk]:
        query = talks().where(D.state == "done", D.asked_at >= to_micros(since), D.asked_at < to_micros(until))
        query = query.where(D.duration > 0, D.cost.is_(None), K.purpose != "inbound").order_by(D.asked_at).limit(limit)
        return await self._db.read(lambda c: [talk_of(r) for r in c.execute(query)])

    async def pay(self, attempt_id: int, cost: str) -> None:
        query = update(t.dials).where(D.id == attempt_id).values(cost=cost)

        def work(c: Connection) -> None:
            c.execute(query)
            _sum(c, attempt_id)

        await self._db.write(work)

    async def record(self, attempt_id: int, url: str) -> None:
        query = update(t.dials).where(D.id == attempt_id).values(recording=url)
        await self._db.write(lambda c: c.execute(query) and None)

    async def forget_recordings(self, before: datetime) -> int:
        old = update(t.dials).where(D.recording.is_not(None), D.asked_at < to_micros(before)).values(recording=None)
        return await self._db.write(lambda c: int(c.execute(old).rowcount))


def _sum(c: Connection, attempt_id: int) -> None:
    """Sum up all attempts of the call: seconds, and cost if it is of one currency."""
    rows = c.execute(select(D.duration, D.cost).where(D.call_id == _CALL), {"b_dial": attempt_id}).all()
    seconds = sum(r.duration or 0 for r in rows)
    paid = [r.cost.split(" ", 1) for r in rows if r.cost]
    one = {currency for _, *rest in paid for currency in rest or ("",)}
    cost = f"{sum(float(p[0]) for p in paid):.5f} {one.pop()}".strip() if len(one) == 1 else None
    c.execute(update(t.calls).where(K.id == _CALL).values(duration=literal(seconds), cost=cost), {"b_dial": attempt_id})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
