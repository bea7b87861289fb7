"""The configuration's tables: every change bumps one epoch, which tells all processes to reload."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, literal, select, text, update

from backend.domain.duty_roster import Shift, StandIn
from backend.domain.instants import from_micros, to_micros
from backend.domain.records import ChatAddress, Person, Unit
from backend.domain.ticket_enums import Role
from backend.ports.office import OfficeConfig, SettingVersion
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper, decode_instant
from storage.integrity.audit import INSERT_AUDIT, build_audit_row
from storage.office.key_values import FIND_VALUE

_UNIT, _VERSION = RowMapper(Unit), RowMapper(SettingVersion)
SHIFT, STAND_IN = RowMapper(Shift), RowMapper(StandIn)
_BUMP_EPOCH = text(
    "INSERT INTO key_values (name, value) VALUES ('epoch', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(key_values.value AS INTEGER) + 1 AS TEXT)"
)

P, V, D, S = t.people.c, t.settings.c, t.duty_shifts.c, t.stand_ins.c
_INSERT_VERSION = insert(t.settings)
_LIST_VERSIONS = select(*_VERSION.columns(t.settings)).order_by(V.id)
_LIST_VERSIONS_OF_KEY = _LIST_VERSIONS.where(V.key == bindparam("key"))
_LIST_VALUES = select(t.settings).where(V.from_at <= bindparam("at")).order_by(V.id)
_LIST_DAYS = select(t.calendar_days)
_DELETE_DAY = delete(t.calendar_days).where(t.calendar_days.c.day == bindparam("day"))
_INSERT_DAY = insert(t.calendar_days)
_LIST_UNITS = select(*_UNIT.columns(t.units))
_INSERT_UNIT = insert(t.units)
_UPDATE_UNIT = update(t.units).where(t.units.c.code == bindparam("b_code"))  # the columns it is given
_LIST_BINDINGS = select(t.bindings).where(t.bindings.c.state == "live").order_by(t.bindings.c.id)
_LIST_PEOPLE = (
    select(t.people, P.phone_sealed.is_not(None).label("has_phone"))
    .where(P.active == literal(True))
    .order_by(P.unit, P.contact_order, P.code)
)
_LIST_SHIFTS = select(*SHIFT.columns(t.duty_shifts)).where(D.to_at > bindparam("at")).order_by(D.from_at, D.id)
LIST_STAND_INS = select(*STAND_IN.columns(t.stand_ins)).where(S.to_at > bindparam("at")).order_by(S.from_at, S.id)
_LIST_QUIET_HOURS = select(t.quiet_hours)
_FIND_BOUNDS = tuple(
    select(func.min(column)).where(column > bindparam("at")) for column in (P.valid_from, P.valid_to, V.from_at)
)


def bump_epoch(connection: Connection) -> None:
    """Tell every process that the configuration has changed; call it in the transaction that changes it."""
    connection.execute(_BUMP_EPOCH)


def read_epoch(connection: Connection) -> int:
    """Return the number of the newest change."""
    return int(connection.execute(FIND_VALUE, {"name": "epoch"}).scalar() or 0)


class SqlConfigStore:
    """`ConfigStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def get_epoch(self) -> int:
        return await self._db.read(read_epoch)

    async def load(self, now: datetime) -> OfficeConfig:
        return await self._db.read(lambda c: _load(c, now))

    async def add_version(self, *versions: SettingVersion) -> None:
        await self._ids.refill(len(versions))

        def work(c: Connection) -> None:
            for version in versions:
                c.execute(_INSERT_VERSION, {"id": self._ids.take(), **_VERSION.values(version)})
            bump_epoch(c)

        await self._db.write(work)

    async def list_versions(self, key: str | None = None) -> Sequence[SettingVersion]:
        query = _LIST_VERSIONS if key is None else _LIST_VERSIONS_OF_KEY
        return await self._db.fetch_all(query, _VERSION.read, {"key": key})

    async def set_days(self, days: Mapping[date, bool], note: str, by: str, now: datetime) -> int:
        def work(c: Connection) -> int:
            known = {r.day: r.working for r in c.execute(_LIST_DAYS)}
            fresh = {d.isoformat(): w for d, w in days.items() if known.get(d.isoformat()) is not w}
            for day, working in fresh.items():
                c.execute(_DELETE_DAY, {"day": day})
                row = {"day": day, "working": working, "note": note, "by": by, "set_at": to_micros(now)}
                c.execute(_INSERT_DAY, row)
            if fresh:
                bump_epoch(c)
            return len(fresh)

        return await self._db.write(work)

    async def save_units(self, units: Sequence[Unit], by: str, now: datetime) -> list[bool]:
        await self._ids.refill(len(units))

        def work(c: Connection) -> list[bool]:
            known = _load_units(c)
            changed = []
            for unit in units:
                changed.append(known.get(unit.code) != unit)
                if unit.code not in known:
                    c.execute(_INSERT_UNIT, _UNIT.values(unit))
                elif changed[-1]:
                    c.execute(_UPDATE_UNIT, {"b_code": unit.code, **_UNIT.values(unit)})
                known[unit.code] = unit
            if any(changed):
                written = [unit for unit, new in zip(units, changed, strict=True) if new]
                rows = [build_audit_row(self._ids, now, by, "unit", u.code, _UNIT.values(u)) for u in written]
                c.execute(INSERT_AUDIT, rows)
                bump_epoch(c)
            return changed

        return await self._db.write(work)


def _load(c: Connection, now: datetime) -> OfficeConfig:
    at = to_micros(now)
    bindings = c.execute(_LIST_BINDINGS).all()
    chats = group_chats(bindings)
    people = []
    for r in c.execute(_LIST_PEOPLE):
        if (r.valid_from and r.valid_from > at) or (r.valid_to and r.valid_to <= at):
            continue
        people.append(
            Person(
                r.code,
                r.name,
                r.unit,
                Role(r.role),
                True,
                r.contact_order,
                bool(r.has_phone),
                chats.get(r.code, ()),
                r.preferred_chat,
                r.key_name,
                bool(r.key_authorised),
            )
        )
    plain: dict[str, str] = {}
    by_unit: dict[str, dict[str, str]] = {}
    for r in c.execute(_LIST_VALUES, {"at": at}):
        (plain if r.unit is None else by_unit.setdefault(r.unit, {}))[r.key] = r.value
    return OfficeConfig(
        epoch=read_epoch(c),
        units=_load_units(c),
        people=tuple(people),
        settings=plain,
        unit_settings=by_unit,
        calendar={date.fromisoformat(r.day): bool(r.working) for r in c.execute(_LIST_DAYS)},
        bindings={(r.channel, r.user_id): r.person for r in bindings},
        shifts=tuple(SHIFT.read(r) for r in c.execute(_LIST_SHIFTS, {"at": at})),
        stand_ins=tuple(STAND_IN.read(r) for r in c.execute(LIST_STAND_INS, {"at": at})),
        quiet_hours={r.person: r.hours for r in c.execute(_LIST_QUIET_HOURS)},
        valid_until=_until(c, at),
    )


def group_chats(bindings: Sequence[Row[Any]]) -> dict[str, tuple[ChatAddress, ...]]:
    """Group rows of live bindings by person, the newest first."""
    found: dict[str, tuple[ChatAddress, ...]] = {}
    for r in sorted(bindings, key=lambda r: r.id, reverse=True):
        chat = ChatAddress(r.channel, r.user_id, r.address, r.how, from_micros(r.bound_at))
        found[r.person] = (*found.get(r.person, ()), chat)
    return found


def _load_units(c: Connection) -> dict[str, Unit]:
    return {r.code: _UNIT.read(r) for r in c.execute(_LIST_UNITS)}


def _until(c: Connection, at: int) -> datetime | None:
    bounds = [c.execute(query, {"at": at}).scalar() for query in _FIND_BOUNDS]
    soonest = min((b for b in bounds if b is not None), default=None)
    return decode_instant(soonest)
