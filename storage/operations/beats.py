"""Beats of all processes: one upsert each, dated by the database's clock of leases (XR8)."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Delete, Select, TextClause, bindparam, delete, or_, select, text, update

from backend.domain.instants import from_micros, to_micros, to_span
from backend.ports.operations import Beat
from storage import tables as t
from storage.engine.database import Database
from storage.engine.lease_clock import LeaseClock
from storage.operations.waiting import merge_heads, read_heads

KEPT = timedelta(days=1)

K = t.beats.c
_LOCK_BEATS = select(K.process).order_by(K.process).with_for_update()
_DELETE_BEAT = delete(t.beats).where(K.process == bindparam("process"))
_DELETE_ENDED_BEATS = delete(t.beats).where(or_(K.process == bindparam("process"), K.number == 0))
_END_BEAT = (
    update(t.beats)
    .where(K.process == bindparam("b_process"))
    .values(roles=bindparam("b_roles"), workers="{}", lane_head="{}", number=0)
)


def _build_upsert(clock: LeaseClock) -> TextClause:
    return text(
        "INSERT INTO beats (process, host, roles, code, workers, lane_head, number, at) VALUES"
        f" (:process, :host, :roles, :code, :workers, :lane_head, :number, {clock.sql})"
        " ON CONFLICT (process) DO UPDATE SET roles = excluded.roles, workers = excluded.workers,"
        " lane_head = excluded.lane_head, number = excluded.number, at = excluded.at"
    )


def _build_delete_old(clock: LeaseClock) -> Delete:
    return delete(t.beats).where(K.at < clock.now - to_span(KEPT))


def _build_list(clock: LeaseClock) -> Select[object]:
    return select(t.beats, clock.at_row.label("read_at")).order_by(K.process)


class SqlBeatStore:
    """`BeatStore` on either engine."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._clock = db.lease_clock
        self._upsert = _build_upsert(self._clock)
        self._delete_old = _build_delete_old(self._clock)
        self._list = _build_list(self._clock)

    async def beat(self, own: Beat, channels: Sequence[str], now: datetime) -> Sequence[Beat]:
        row = {
            "process": own.process, "host": own.host, "roles": " ".join(own.roles), "code": own.code,
            "workers": json.dumps(own.workers), "number": own.number,
        }  # fmt: skip

        def work(c: Connection) -> Sequence[Beat]:
            due = [read_heads(c, channels, to_micros(now), urgent=urgent) for urgent in (True, False)]
            heads = json.dumps(merge_heads(*due))
            c.execute(self._upsert, {**row, "lane_head": heads, **self._clock.parameters()})
            c.execute(self._delete_old, self._clock.parameters())
            return self._read(c)

        return await self._db.write(work)

    async def stop(self, process: str, silence: timedelta) -> None:
        def work(c: Connection) -> None:
            c.execute(_LOCK_BEATS).all()  # two may stop at once
            beats = {beat.process: beat for beat in self._read(c)}
            own = beats.pop(process, None)
            living = [beat for beat in beats.values() if beat.is_alive(silence)]
            covered = {role for beat in living for role in beat.roles}
            left = [role for role in own.roles if role not in covered] if own else []
            if not living:
                c.execute(_DELETE_ENDED_BEATS, {"process": process})
            elif left:
                c.execute(_END_BEAT, {"b_process": process, "b_roles": " ".join(left)})
            else:
                c.execute(_DELETE_BEAT, {"process": process})

        await self._db.write(work)

    async def list_beats(self) -> Sequence[Beat]:
        return await self._db.read(self._read)

    def _read(self, c: Connection) -> Sequence[Beat]:
        return [_to_beat(row) for row in c.execute(self._list, self._clock.parameters())]


def _to_beat(row: Any) -> Beat:
    return Beat(
        row.process, row.host, tuple(row.roles.split()), row.code, json.loads(row.workers),
        {channel: from_micros(at) for channel, at in json.loads(row.lane_head).items()}, row.number,
        timedelta(microseconds=max(0, row.read_at - row.at)),
    )  # fmt: skip
