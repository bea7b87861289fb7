"""Duty roster tables: shifts, stand-ins, handover notes and quiet hours; all but the notes bump the epoch."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from backend.domain.duty_roster import Shift, StandIn
from backend.domain.instants import to_micros
from backend.ports.office import Handover
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper
from storage.office.config import LIST_STAND_INS, SHIFT, STAND_IN, bump_epoch

D, S, H = t.duty_shifts.c, t.stand_ins.c, t.handovers.c
_HANDOVER = RowMapper(Handover)

_FIND_SAME_SHIFT = select(D.id, D.to_at, D.deputy).where(
    D.unit == bindparam("unit"), D.person == bindparam("person"), D.from_at == bindparam("from_at")
)
_UPDATE_SHIFT = update(t.duty_shifts).where(D.id == bindparam("b_id"))  # the columns it is given
_INSERT_SHIFT = insert(t.duty_shifts)
_DELETE_SHIFT = delete(t.duty_shifts).where(D.id == bindparam("id"))
_FIND_SHIFT = select(*SHIFT.columns(t.duty_shifts)).where(D.id == bindparam("id"))
_LIST_SHIFTS = (
    select(*SHIFT.columns(t.duty_shifts))
    .where(D.unit == bindparam("unit"), D.to_at > bindparam("begin"), D.from_at < bindparam("end"))
    .order_by(D.from_at, D.id)
)
_INSERT_STAND_IN = insert(t.stand_ins)
_END_STAND_IN = (
    update(t.stand_ins).where(S.id == bindparam("b_id"), S.to_at > bindparam("b_now")).values(to_at=bindparam("b_now"))
)
_INSERT_HANDOVER = insert(t.handovers)
_LIST_HANDOVERS = (
    select(*_HANDOVER.columns(t.handovers))
    .where(H.unit == bindparam("unit"))
    .order_by(H.at.desc(), H.id.desc())
    .limit(bindparam("most"))
)
_DELETE_QUIET_HOURS = delete(t.quiet_hours).where(t.quiet_hours.c.person == bindparam("person"))
_INSERT_QUIET_HOURS = insert(t.quiet_hours)


class SqlDutyRosterStore:
    """`DutyRosterStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def save_shifts(self, shifts: Sequence[Shift], by: str, now: datetime) -> list[bool]:
        await self._ids.refill(len(shifts) + 1)

        def work(c: Connection) -> list[bool]:
            fresh = [self._put(c, shift, by, now) for shift in shifts]
            if any(fresh):
                bump_epoch(c)
            return fresh

        return await self._db.write(work)

    def _put(self, c: Connection, shift: Shift, by: str, now: datetime) -> bool:
        same = {"unit": shift.unit, "person": shift.person, "from_at": to_micros(shift.from_at)}
        values: dict[str, Any] = {"to_at": to_micros(shift.to_at), "deputy": shift.deputy}
        known = c.execute(_FIND_SAME_SHIFT, same).first()
        if known is not None and {"to_at": known.to_at, "deputy": known.deputy} == values:
            return False
        values |= {"by": by, "set_at": to_micros(now)}
        if known is not None:
            c.execute(_UPDATE_SHIFT, {"b_id": known.id, **values})
        else:
            c.execute(_INSERT_SHIFT, {"id": self._ids.take(), **same, **values})
        return True

    async def delete_shift(self, shift_id: int) -> Shift | None:
        def work(c: Connection) -> Shift | None:
            found = _shift_of(c, shift_id)
            if found is not None:
                c.execute(_DELETE_SHIFT, {"id": shift_id})
                bump_epoch(c)
            return found

        return await self._db.write(work)

    async def get_shift(self, shift_id: int) -> Shift | None:
        return await self._db.read(lambda c: _shift_of(c, shift_id))

    async def list_shifts(self, unit: str, begin: datetime, end: datetime) -> Sequence[Shift]:
        wanted = {"unit": unit, "begin": to_micros(begin), "end": to_micros(end)}
        return await self._db.fetch_all(_LIST_SHIFTS, SHIFT.read, wanted)

    async def add_stand_in(self, stand_in: StandIn, by: str, now: datetime) -> StandIn:
        await self._ids.refill(1)

        def work(c: Connection) -> StandIn:
            kept = replace(stand_in, id=self._ids.take())
            c.execute(_INSERT_STAND_IN, {**STAND_IN.values(kept), "by": by, "set_at": to_micros(now)})
            bump_epoch(c)
            return kept

        return await self._db.write(work)

    async def end_stand_in(self, stand_in_id: int, now: datetime) -> bool:
        def work(c: Connection) -> bool:
            if c.execute(_END_STAND_IN, {"b_id": stand_in_id, "b_now": to_micros(now)}).rowcount != 1:
                return False
            bump_epoch(c)
            return True

        return await self._db.write(work)

    async def list_stand_ins(self, now: datetime) -> Sequence[StandIn]:
        return await self._db.fetch_all(LIST_STAND_INS, STAND_IN.read, {"at": to_micros(now)})

    async def add_handover(self, handover: Handover) -> None:
        await self._ids.refill(1)
        await self._db.execute(_INSERT_HANDOVER, {"id": self._ids.take(), **_HANDOVER.values(handover)})

    async def list_handovers(self, unit: str, limit: int) -> Sequence[Handover]:
        return await self._db.fetch_all(_LIST_HANDOVERS, _HANDOVER.read, {"unit": unit, "most": limit})

    async def set_quiet_hours(self, person: str, hours: str | None, now: datetime) -> None:
        def work(c: Connection) -> None:
            c.execute(_DELETE_QUIET_HOURS, {"person": person})
            if hours is not None:
                c.execute(_INSERT_QUIET_HOURS, {"person": person, "hours": hours, "set_at": to_micros(now)})
            bump_epoch(c)

        await self._db.write(work)


def _shift_of(c: Connection, shift_id: int) -> Shift | None:
    row = c.execute(_FIND_SHIFT, {"id": shift_id}).first()
    return None if row is None else SHIFT.read(row)
