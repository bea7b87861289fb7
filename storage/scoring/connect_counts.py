"""接通情况 by day and channel: one row in force each; what it replaced is kept, so that a run can look back (XD14)."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection, func, or_, select, update

from backend.domain.instants import to_micros
from backend.ports.scoring import ConnectCount, ConnectPlace, ConnectSum
from storage import tables as t
from storage.engine.database import Database
from storage.engine.dialect import insert_new
from storage.engine.mapping import RowMapper

_COUNT = RowMapper(ConnectCount)
K, L = t.connect_counts.c, t.ledger_lines.c
_IN_FORCE = K.replaced_at.is_(None)
LIVE = ("draft", "entered", "accepted")  # states of ledger lines that count or may come to


class SqlConnectStore:
    """`ConnectStore` on either engine."""

    _db: Database

    async def sum_connect_counts(self, first: date, end: date, as_of: datetime) -> Sequence[ConnectSum]:
        known = to_micros(as_of)
        query = (
            select(K.unit, K.channel, func.count(), func.sum(K.offered), func.sum(K.answered), func.sum(K.abandoned))
            .where(K.day >= first.isoformat(), K.day < end.isoformat(), K.at <= known)
            .where(or_(_IN_FORCE, K.replaced_at > known))
            .group_by(K.unit, K.channel)
            .order_by(K.unit, K.channel)
        )
        rows = await self._db.fetch_rows(query)
        return [
            ConnectSum(r[0], r[1], int(r[2]), int(r[3]), int(r[4]), None if r[5] is None else int(r[5])) for r in rows
        ]

    async def find_connect_counts(self, places: Collection[ConnectPlace]) -> Mapping[ConnectPlace, ConnectCount]:
        if not places:
            return {}
        units, days = {unit for unit, _, _ in places}, [day for _, day, _ in places]
        query = select(*_COUNT.columns(t.connect_counts)).where(
            _IN_FORCE, K.unit.in_(sorted(units)), K.day.between(min(days), max(days))
        )
        found = {count.place: count for count in await self._db.fetch_all(query, _COUNT.read)}
        return {place: found[place] for place in places if place in found}

    async def list_connect_channels(self, unit: str, month: str) -> frozenset[str]:
        query = select(K.channel).distinct().where(_IN_FORCE, K.unit == unit, K.day.startswith(f"{month}-"))
        return frozenset(row[0] for row in await self._db.fetch_rows(query))

    async def list_connect_lines(self, months: Collection[str]) -> frozenset[tuple[str, str, str]]:
        query = select(L.unit, L.month, L.facts).where(
            L.kind == "connect", L.month.in_(sorted(set(months))), L.state.in_(LIVE)
        )
        rows = [(unit, month, json.loads(facts)) for unit, month, facts in await self._db.fetch_rows(query)]
        return frozenset(
            (unit, month, str(facts.get("channel") or "")) for unit, month, facts in rows if not facts.get("void")
        )


def save_count(
    c: Connection, dialect: str, count: ConnectCount, take_id: Callable[[], int], by: str, at: datetime
) -> bool:
    """Put a count in force; False if it is already. The one it replaces is kept."""
    place = (K.unit == count.unit, K.day == count.day, K.channel == count.channel, _IN_FORCE)
    old = c.execute(select(K.id, *_COUNT.columns(t.connect_counts)).where(*place).with_for_update()).first()
    if old is not None:
        if _COUNT.read(old[1:]) == count:
            return False
        c.execute(update(t.connect_counts).where(K.id == old[0]).values(replaced_at=to_micros(at)))
    row = {**_COUNT.values(count), "id": take_id(), "by": by, "at": to_micros(at)}
    if c.execute(insert_new(dialect, t.connect_counts).values(**row)).rowcount == 1:
        return True
    return save_count(c, dialect, count, take_id, by, at)  # another import was quicker: compare with its count
