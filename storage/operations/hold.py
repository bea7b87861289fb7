"""Marks and the hold in the database: single values, and the flags of the gate that claims and acts ask (FD13)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from backend.domain.instants import to_micros, to_span
from backend.ports.backups import Hold, Mark, Release, Standing, Waiting
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.ids import IdSupply
from storage.integrity.audit import INSERT_AUDIT, build_audit_row
from storage.office.key_values import DELETE_VALUE, FIND_VALUE, INSERT_VALUE, LOCK_VALUE, UPDATE_VALUE
from storage.operations.waiting_work import count_waiting, drop_waiting

HELD_PARTS = ("outbox", "calls", "deadlines")
INCARNATION, MARK, HOLD = "incarnation", "mark", "hold"  # names of single values (`house`)
NAMES = (INCARNATION, MARK, HOLD)
RECOUNTED = to_span(timedelta(minutes=10))  # the newest lines are counted anew at each mark: others may commit late
D = t.duties.c
_AT = t.journal.c.recorded_at
_LIST_STANDING = select(t.key_values).where(t.key_values.c.name.in_(NAMES))
_INSERT_NEW_VALUE = {dialect: insert_new(dialect, t.key_values) for dialect in ("sqlite", "postgresql")}
_FIND_LAST_SEAL = select(func.max(t.journal_seals.c.id))
_FIND_NEWEST_LINE = select(func.max(_AT))
_COUNT_LINES_SINCE = select(func.count()).select_from(t.journal).where(bindparam("since") < _AT)
_COUNT_LINES_BETWEEN = _COUNT_LINES_SINCE.where(bindparam("until") >= _AT)
_COUNT_PASSED_DUTIES = (
    select(D.kind, func.count())
    .where(D.outcome.is_(None), D.due_at > bindparam("since"), D.due_at <= bindparam("now"))
    .group_by(D.kind)
    .order_by(D.kind)
)
_HOLD_PARTS = update(t.gate).where(t.gate.c.part.in_(HELD_PARTS), t.gate.c.held.is_(False)).values(held=True)
_RELEASE_PARTS = update(t.gate).where(t.gate.c.held.is_(True)).values(held=False)


def encode_value(value: Hold | Mark) -> str:
    """Encode a hold or a mark for storage."""
    return json.dumps(asdict(value))


def read_standing(c: Connection) -> Standing:
    """Read what the database says of its own past, on any connection."""
    house = {row.name: row.value for row in c.execute(_LIST_STANDING)}
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
        await self._db.execute(_INSERT_NEW_VALUE[self._db.dialect], {"name": INCARNATION, "value": incarnation})

    async def advance(self, real: datetime, office: datetime) -> Mark:
        def work(c: Connection) -> Mark:
            c.execute(_INSERT_NEW_VALUE[c.dialect.name], {"name": MARK, "value": ""})
            stored = c.execute(LOCK_VALUE, {"name": MARK}).scalar_one()
            number = Mark(**json.loads(stored)).number + 1 if stored else 1
            incarnation = c.execute(FIND_VALUE, {"name": INCARNATION}).scalar() or ""
            seal = c.execute(_FIND_LAST_SEAL).scalar() or 0
            lines, line_at = self._count_lines(c)
            mark = Mark(incarnation, number, to_micros(real), to_micros(office), seal, lines, line_at)
            c.execute(UPDATE_VALUE, {"b_name": MARK, "b_value": encode_value(mark)})
            return mark

        return await self._db.write(work)

    def _count_lines(self, c: Connection) -> tuple[int, int | None]:
        """Return how many journal lines there are and when the newest was recorded; all are counted only at first."""
        newest = c.execute(_FIND_NEWEST_LINE).scalar()
        if newest is None:
            return 0, None
        counted, until = self._counted
        settled = newest - RECOUNTED
        if settled > until:
            between = c.execute(_COUNT_LINES_BETWEEN, {"since": until, "until": settled})
            counted, until = counted + int(between.scalar_one()), settled
            self._counted = counted, until
        return counted + int(c.execute(_COUNT_LINES_SINCE, {"since": until}).scalar_one()), newest

    async def begin(self, hold: Hold) -> bool:
        def work(c: Connection) -> bool:
            if c.execute(_HOLD_PARTS).rowcount == 0:
                return False
            c.execute(DELETE_VALUE, {"name": HOLD})
            c.execute(INSERT_VALUE, {"name": HOLD, "value": encode_value(hold)})
            return True

        return await self._db.write(work)

    async def count_waiting(self, mark_at: int, now: datetime) -> Sequence[Waiting]:
        return await self._db.read(lambda c: count_waiting(c, mark_at, to_micros(now)))

    async def count_passed_duties(self, since: int, now: datetime) -> Mapping[str, int]:
        rows = await self._db.fetch_rows(_COUNT_PASSED_DUTIES, {"since": since, "now": to_micros(now)})
        return {row[0]: int(row[1]) for row in rows}

    async def release(
        self, mode: Release, cut: datetime, now: datetime, by: str, facts: Mapping[str, Any]
    ) -> int | None:
        await self._ids.refill(1)

        def work(c: Connection) -> int | None:
            if c.execute(_RELEASE_PARTS).rowcount == 0:
                return None
            dropped = drop_waiting(c, mode, to_micros(cut), to_micros(now))
            c.execute(DELETE_VALUE, {"name": HOLD})
            row = build_audit_row(self._ids, now, by, "hold_released", None, {**facts, "dropped": dropped})
            c.execute(INSERT_AUDIT, row)
            return dropped

        return await self._db.write(work)
