"""What is heard during a call: kept step by step, each step once, and the carrier's news in whatever order."""

import json
from typing import Any

from sqlalchemy import Connection, case, func, literal, or_, select, update

from backend.domain.instants import micros
from backend.ports.calls import News, Step, Talk
from storage import tables as t
from storage.calls_rows import D, K, talk_of, talks
from storage.db import Database

_TERMINAL = ("completed", "busy", "no-answer", "failed", "canceled")
#: An attempt from which anything is heard was certainly made.
_HEARD_OF = case((D.state.in_(("asking", "ambiguous")), "placed"), else_=D.state)


class CallsTalk:
    """The talking part of the shelf."""

    _db: Database

    async def talk(self, dial_id: int) -> Talk | None:
        """An attempt with its call and what it is about."""
        row = await self._db.read(lambda c: c.execute(talks().where(D.id == dial_id)).first())
        return None if row is None else talk_of(row)

    async def take_step(self, step: Step) -> bool:
        """Keep a step; False when another answer to it was kept already."""
        values: dict[str, Any] = {
            "step": D.step + 1, "said": _json(step.said), "keys": D["keys"] + step.keys, "state": _HEARD_OF,
            "answered_at": func.coalesce(D.answered_at, micros(step.at)),
        }  # fmt: skip
        if step.provider_id:
            values["provider_id"] = func.coalesce(D.provider_id, step.provider_id)
        if step.answered_by:
            values["answered_by"] = step.answered_by
        if step.recording:
            values["recording"] = step.recording
        take = update(t.dials).where(D.id == step.dial_id, D.step == step.step).values(**values)
        keep = update(t.calls).where(K.id == _call(step.dial_id), K.dial_id == step.dial_id)
        keep = keep.values(position=step.position, heard=_json(step.heard), keys=K["keys"] + step.keys)

        def work(c: Connection) -> bool:
            if c.execute(take).rowcount != 1:
                return False
            c.execute(keep)
            return True

        return await self._db.write(work)

    async def news(self, dial_id: int, news: News) -> bool:
        """What the carrier says; False for old news. Duration and cost are summed on the call."""
        at = micros(news.at)
        fresh = update(t.dials).where(D.id == dial_id, or_(D.status.is_(None), D.status.not_in(_TERMINAL)))
        values: dict[str, Any] = {
            "status": news.status, "state": _HEARD_OF, "provider_id": func.coalesce(D.provider_id, news.provider_id),
        }  # fmt: skip
        if news.sequence is not None:
            values["sequence"] = news.sequence
            if not news.terminal:
                fresh = fresh.where(D.sequence < news.sequence)
        for name in ("answered_by", "error", "cost"):
            if getattr(news, name):
                values[name] = getattr(news, name)
        if news.terminal:
            values |= {"ended_at": at, "duration": news.duration}
        elif news.status == "in-progress":
            values["answered_at"] = func.coalesce(D.answered_at, at)

        def work(c: Connection) -> bool:
            if c.execute(fresh.values(**values)).rowcount != 1:
                return False
            if news.terminal and (news.duration or news.cost):
                _sum(c, dial_id)
            return True

        return await self._db.write(work)

    async def record(self, dial_id: int, url: str) -> None:
        """Where the recording lies."""
        query = update(t.dials).where(D.id == dial_id).values(recording=url)
        await self._db.write(lambda c: c.execute(query) and None)


def _call(dial_id: int) -> Any:
    return select(D.call_id).where(D.id == dial_id).scalar_subquery()


def _sum(c: Connection, dial_id: int) -> None:
    """All attempts of the call together: seconds, and money where it is of one currency."""
    rows = c.execute(select(D.duration, D.cost).where(D.call_id == _call(dial_id))).all()
    seconds = sum(r.duration or 0 for r in rows)
    paid = [r.cost.split(" ", 1) for r in rows if r.cost]
    one = {currency for _, *rest in paid for currency in rest or ("",)}
    cost = f"{sum(float(p[0]) for p in paid):.5f} {one.pop()}".strip() if len(one) == 1 else None
    c.execute(update(t.calls).where(K.id == _call(dial_id)).values(duration=literal(seconds), cost=cost))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
