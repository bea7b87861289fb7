"""Marks and the hold in the database: single values, and the flags of the gate that claims and acts ask (FD13)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from backend.domain.instants import to_micros, to_span
from backend.ports.backups import Hold, Mark, Release, Standing, Waiting
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.ids import IdSupply
from storage.integrity.audit import build_audit_row
from storage.operations.waiting_work import count_waiting, drop_waiting

HELD_PARTS = ("outbox", "calls", "deadlines")
INCARNATION, MARK, HOLD = "incarnation", "mark", "hold"  # names of single values (`house`)
NAMES = (INCARNATION, MARK, HOLD)
RECOUNTED = to_span(timedelta(minutes=10))  # the newest lines are counted anew at each mark: others may commit late
_H = t.key_values.c


def encode_value(value: Hold | Mark) -> str:
    """Encode a hold or a mark for storage."""
    return json.dumps(asdict(value))


def read_standing(c: Connection) -> Standing:
    """Read what the database says of its own past, on any connection."""
    house = {row.name: row.value for row in c.execute(select(t.key_values).where(_H.name.in_(NAMES)))}
    mark, hold = house.get(MARK), house.get(HOLD)
    return Standing(
        house.get(INCARNATION, ""),
        Mark(**json.loads(mark)) if mark else None,
        Hold(**json.loads(hold)) if hold else None,
    )


class SqlHoldStore:
    """`HoldStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids
        self._counted = (0, 0)  # journal lines up to this instant

    async def read(self) -> Standing:
        return await self._db.read(read_standing)

    async def begin_incarnation(self, incarnation: str) -> None:
        await self._db.execute(insert_new(self._db.dialect, t.key_values).values(name=INCARNATION, value=incarnation))

    async def advance(self, real: datetime, office: datetime) -> Mark:
        def work(c: Connection) -> Mark:
            c.execute(insert_new(c.dialect.name, t.key_values).values(name=MARK, value=""))
            stored = c.execute(select(_H.value).where(_H.name == MARK).with_for_update()).scalar_one()
            number = Mark(**json.loads(stored)).number + 1 if stored else 1
            incarnation = c.execute(select(_H.value).where(_H.name == INCARNATION)).scalar() or ""
            seal = c.execute(select(func.max(t.journal_seals.c.id))).scalar() or 0
            lines, line_at = self._count_lines(c)
            mark = Mark(incarnation, number, to_micros(real), to_micros(office), seal, lines, line_at)
            c.execute(update(t.key_values).where(_H.name == MARK).values(value=encode_value(mark)))
            return mark

        return await self._db.write(work)

    def _count_lines(self, c: Connection) -> tuple[int, int | None]:
        """Return how many journal lines there are and when the newest was recorded; all are counted only at first."""
        at = t.journal.c.recorded_at
        newest = c.execute(select(func.max(at))).scalar()
        if newest is None:
            return 0, None
        counted, until = self._counted
        settled = newest - RECOUNTED
        if settled > until:
            between = select(func.count()).select_from(t.journal).where(at > until, at <= settled)
            counted, until = counted + int(c.execute(between).scalar_one()), settled
            self._counted = counted, until
        latest = select(func.count()).select_from(t.journal).where(at > until)
        return counted + int(c.execute(latest).scalar_one()), newest

    async def begin(self, hold: Hold) -> bool:
        def work(c: Connection) -> bool:
            held = update(t.gate).where(t.gate.c.part.in_(HELD_PARTS), t.gate.c.held.is_(False)).values(held=True)
            if c.execute(held).rowcount == 0:
                return False
            c.execute(delete(t.key_values).where(_H.name == HOLD))
            c.execute(insert(t.key_values).values(name=HOLD, value=encode_value(hold)))
            return True

        return await self._db.write(work)

    async def count_waiting(self, mark_at: int, now: datetime) -> Sequence[Waiting]:
        return await self._db.read(lambda c: count_waiting(c, mark_at, to_micros(now)))

    async def count_passed_duties(self, since: int, now: datetime) -> Mapping[str, int]:
        d = t.duties.c
        passed = select(d.kind, func.count()).where(d.outcome.is_(None), d.due_at > since, d.due_at <= to_micros(now))
        query = passed.group_by(d.kind).order_by(d.kind)
        return await self._db.read(lambda c: {row[0]: int(row[1]) for row in c.execute(query)})

    async def release(
        self, mode: Release, cut: datetime, now: datetime, by: str, facts: Mapping[str, Any]
    ) -> int | None:
        await self._ids.refill(1)

        def work(c: Connection) -> int | None:
            free = update(t.gate).where(t.gate.c.held.is_(True)).values(held=False)
            if c.execute(free).rowcount == 0:
                return None
            dropped = drop_waiting(c, mode, to_micros(cut), to_micros(now))
            c.execute(delete(t.key_values).where(_H.name == HOLD))
            row = build_audit_row(self._ids, now, by, "hold_released", None, {**facts, "dropped": dropped})
            c.execute(insert(t.audit_log).values(row))
            return dropped

        return await self._db.write(work)
