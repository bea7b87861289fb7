"""Duty roster tables: shifts, stand-ins, handover notes and quiet hours; all but the notes bump the epoch."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from backend.domain.duty_roster import Shift, StandIn
from backend.domain.instants import to_micros
from backend.ports.office import Handover
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper
from storage.office.config import SHIFT, STAND_IN, bump_epoch

D, S = t.duty_shifts.c, t.stand_ins.c
_HANDOVER = RowMapper(Handover)


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
        same = (D.unit == shift.unit) & (D.person == shift.person) & (D.from_at == to_micros(shift.from_at))
        values: dict[str, Any] = {"to_at": to_micros(shift.to_at), "deputy": shift.deputy}
        known = c.execute(select(D.id, D.to_at, D.deputy).where(same)).first()
        if known is not None and {"to_at": known.to_at, "deputy": known.deputy} == values:
            return False
        values |= {"by": by, "set_at": to_micros(now)}
        if known is not None:
            c.execute(update(t.duty_shifts).where(D.id == known.id).values(**values))
        else:
            c.execute(insert(t.duty_shifts).values(
                id=self._ids.take(), unit=shift.unit, person=shift.person, from_at=to_micros(shift.from_at), **values,
            ))  # fmt: skip
        return True

    async def delete_shift(self, shift_id: int) -> Shift | None:
        def work(c: Connection) -> Shift | None:
            found = _shift_of(c, shift_id)
            if found is not None:
                c.execute(delete(t.duty_shifts).where(D.id == shift_id))
                bump_epoch(c)
            return found

        return await self._db.write(work)

    async def get_shift(self, shift_id: int) -> Shift | None:
        return await self._db.read(lambda c: _shift_of(c, shift_id))

    async def list_shifts(self, unit: str, begin: datetime, end: datetime) -> Sequence[Shift]:
        query = (
            select(*SHIFT.columns(t.duty_shifts))
            .where(D.unit == unit, D.to_at > to_micros(begin), D.from_at < to_micros(end))
            .order_by(D.from_at, D.id)
        )
        return await self._db.fetch_all(query, SHIFT.read)

    async def add_stand_in(self, stand_in: StandIn, by: str, now: datetime) -> StandIn:
        await self._ids.refill(1)

        def work(c: Connection) -> StandIn:
            kept = replace(stand_in, id=self._ids.take())
            c.execute(insert(t.stand_ins).values(**STAND_IN.values(kept), by=by, set_at=to_micros(now)))
            bump_epoch(c)
            return kept

        return await self._db.write(work)

    async def end_stand_in(self, stand_in_id: int, now: datetime) -> bool:
        def work(c: Connection) -> bool:
            query = (
                update(t.stand_ins).where(S.id == stand_in_id, S.to_at > to_micros(now)).values(to_at=to_micros(now))
            )
            if c.execute(query).rowcount != 1:
                return False
            bump_epoch(c)
            return True

        return await self._db.write(work)

    async def list_stand_ins(self, now: datetime) -> Sequence[StandIn]:
        query = select(*STAND_IN.columns(t.stand_ins)).where(S.to_at > to_micros(now)).order_by(S.from_at, S.id)
        return await self._db.fetch_all(query, STAND_IN.read)

    async def add_handover(self, handover: Handover) -> None:
        await self._ids.refill(1)
        values = {"id": self._ids.take(), **_HANDOVER.values(handover)}
        await self._db.execute(insert(t.handovers).values(**values))

    async def list_handovers(self, unit: str, limit: int) -> Sequence[Handover]:
        k = t.handovers.c
        query = (
            select(*_HANDOVER.columns(t.handovers))
            .where(k.unit == unit)
            .order_by(k.at.desc(), k.id.desc())
            .limit(limit)
        )
        return await self._db.fetch_all(query, _HANDOVER.read)

    async def set_quiet_hours(self, person: str, hours: str | None, now: datetime) -> None:
        def work(c: Connection) -> None:
            c.execute(delete(t.quiet_hours).where(t.quiet_hours.c.person == person))
            if hours is not None:
                c.execute(insert(t.quiet_hours).values(person=person, hours=hours, set_at=to_micros(now)))
            bump_epoch(c)

        await self._db.write(work)


def _shift_of(c: Connection, shift_id: int) -> Shift | None:
    row = c.execute(select(*SHIFT.columns(t.duty_shifts)).where(D.id == shift_id)).first()
    return None if row is None else SHIFT.read(row)
