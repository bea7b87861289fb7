"""接通情况 by day and channel: one row in force each; what it replaced is kept, so that a run can look back (XD14)."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import BigInteger, Connection, bindparam, func, or_, select, update

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
_KNOWN = bindparam("known", type_=BigInteger)
_SUM = (
    select(K.unit, K.channel, func.count(), func.sum(K.offered), func.sum(K.answered), func.sum(K.abandoned))
    .where(K.day >= bindparam("first"), K.day < bindparam("end"), K.at <= _KNOWN)
    .where(or_(_IN_FORCE, K.replaced_at > _KNOWN))
    .group_by(K.unit, K.channel)
    .order_by(K.unit, K.channel)
)
_LIST = select(*_COUNT.columns(t.connect_counts)).where(
    _IN_FORCE,
    K.unit.in_(bindparam("units", expanding=True)),
    K.day.between(bindparam("first"), bindparam("last")),
)
_LIST_CHANNELS = (
    select(K.channel).distinct().where(_IN_FORCE, K.unit == bindparam("unit"), K.day.startswith(bindparam("month")))
)
_LIST_LINES = select(L.unit, L.month, L.facts).where(
    L.kind == "connect", L.month.in_(bindparam("months", expanding=True)), L.state.in_(LIVE)
)
_LOCK_IN_FORCE = (
    select(K.id, *_COUNT.columns(t.connect_counts))
    .where(K.unit == bindparam("unit"), K.day == bindparam("day"), K.channel == bindparam("channel"), _IN_FORCE)
    .with_for_update()
)
_REPLACE = update(t.connect_counts).where(K.id == bindparam("b_id")).values(replaced_at=bindparam("b_at"))


class SqlConnectStore:
    """`ConnectStore` on either engine."""

    _db: Database

    async def sum_connect_counts(self, first: date, end: date, as_of: datetime) -> Sequence[ConnectSum]:
        given = {"first": first.isoformat(), "end": end.isoformat(), "known": to_micros(as_of)}
        rows = await self._db.fetch_rows(_SUM, given)
        return [
            ConnectSum(r[0], r[1], int(r[2]), int(r[3]), int(r[4]), None if r[5] is None else int(r[5])) for r in rows
        ]

    async def find_connect_counts(self, places: Collection[ConnectPlace]) -> Mapping[ConnectPlace, ConnectCount]:
        if not places:
            return {}
        units, days = {unit for unit, _, _ in places}, [day for _, day, _ in places]
        given = {"units": sorted(units), "first": min(days), "last": max(days)}
        found = {count.place: count for count in await self._db.fetch_all(_LIST, _COUNT.read, given)}
        return {place: found[place] for place in places if place in found}

    async def list_connect_channels(self, unit: str, month: str) -> frozenset[str]:
        return frozenset(await self._db.fetch_column(_LIST_CHANNELS, {"unit": unit, "month": f"{month}-"}))

    async def list_connect_lines(self, months: Collection[str]) -> frozenset[tuple[str, str, str]]:
        found = await self._db.fetch_rows(_LIST_LINES, {"months": sorted(set(months))})
        rows = [(unit, month, json.loads(facts)) for unit, month, facts in found]
        return frozenset(
            (unit, month, str(facts.get("channel") or "")) for unit, month, facts in rows if not facts.get("void")
        )


def save_count(
    c: Connection, dialect: str, count: ConnectCount, take_id: Callable[[], int], by: str, at: datetime
) -> bool:
    """Put a count in force; False if it is already. The one it replaces is kept."""
    place = {"unit": count.unit, "day": count.day, "channel": count.channel}
    old = c.execute(_LOCK_IN_FORCE, place).first()
    if old is not None:
        if _COUNT.read(old[1:]) == count:
            return False
        c.execute(_REPLACE, {"b_id": old[0], "b_at": to_micros(at)})
    row = {**_COUNT.values(count), "id": take_id(), "by": by, "at": to_micros(at)}
    if c.execute(insert_new(dialect, t.connect_counts), row).rowcount == 1:
        return True
    return save_count(c, dialect, count, take_id, by, at)  # another import was quicker: compare with its count
