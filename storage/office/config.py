"""The configuration's tables: every change bumps one epoch, which tells all processes to reload."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, insert, literal, select, text, update

from backend.domain.duty_roster import Shift, StandIn
from backend.domain.instants import to_micros
from backend.domain.records import Person, Unit
from backend.domain.ticket_enums import Role
from backend.ports.office import OfficeConfig, SettingVersion
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.mapping import RowMapper, decode_instant
from storage.integrity.audit import build_audit_row

_UNIT, _VERSION = RowMapper(Unit), RowMapper(SettingVersion)
SHIFT, STAND_IN = RowMapper(Shift), RowMapper(StandIn)
_BUMP_EPOCH = text(
    "INSERT INTO key_values (name, value) VALUES ('epoch', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(key_values.value AS INTEGER) + 1 AS TEXT)"
)


def bump_epoch(connection: Connection) -> None:
    """Tell every process that the configuration has changed; call it in the transaction that changes it."""
    connection.execute(_BUMP_EPOCH)


def read_epoch(connection: Connection) -> int:
    """Return the number of the newest change."""
    return int(connection.execute(select(t.key_values.c.value).where(t.key_values.c.name == "epoch")).scalar() or 0)


class SqlConfigStore:
    """`ConfigStore` on either engine."""

    def __init__(self, db: Database, ids: IdSupply) -> None:
        self._db = db
        self._ids = ids

    async def get_epoch(self) -> int:
        return await self._db.read(read_epoch)

    async def load(self, now: datetime) -> OfficeConfig:
        return await self._db.read(lambda c: _load(c, now))

    async def add_version(self, version: SettingVersion) -> None:
        await self._ids.refill(1)

        def work(c: Connection) -> None:
            c.execute(insert(t.settings).values(id=self._ids.take(), **_VERSION.values(version)))
            bump_epoch(c)

        await self._db.write(work)

    async def list_versions(self, key: str | None = None) -> Sequence[SettingVersion]:
        query = select(*_VERSION.columns(t.settings)).order_by(t.settings.c.id)
        if key is not None:
            query = query.where(t.settings.c.key == key)
        return await self._db.fetch_all(query, _VERSION.read)

    async def set_days(self, days: Mapping[date, bool], note: str, by: str, now: datetime) -> int:
        def work(c: Connection) -> int:
            known = {r.day: r.working for r in c.execute(select(t.calendar_days))}
            fresh = {d.isoformat(): w for d, w in days.items() if known.get(d.isoformat()) is not w}
            for day, working in fresh.items():
                c.execute(delete(t.calendar_days).where(t.calendar_days.c.day == day))
                c.execute(
                    insert(t.calendar_days).values(day=day, working=working, note=note, by=by, set_at=to_micros(now))
                )
            if fresh:
                bump_epoch(c)
            return len(fresh)

        return await self._db.write(work)

    async def save_units(self, units: Sequence[Unit], by: str, now: datetime) -> list[bool]:
        await self._ids.refill(len(units))

        def work(c: Connection) -> list[bool]:
            known = {r.code: _UNIT.read(r) for r in c.execute(select(*_UNIT.columns(t.units)))}
            changed = []
            for unit in units:
                changed.append(known.get(unit.code) != unit)
                if unit.code not in known:
                    c.execute(insert(t.units).values(**_UNIT.values(unit)))
                elif changed[-1]:
                    c.execute(update(t.units).where(t.units.c.code == unit.code).values(**_UNIT.values(unit)))
                known[unit.code] = unit
            if any(changed):
                written = [unit for unit, new in zip(units, changed, strict=True) if new]
                rows = [build_audit_row(self._ids, now, by, "unit", u.code, _UNIT.values(u)) for u in written]
                c.execute(insert(t.audit_log), rows)
                bump_epoch(c)
            return changed

        return await self._db.write(work)


def _load(c: Connection, now: datetime) -> OfficeConfig:
    at = to_micros(now)
    live = select(t.bindings).where(t.bindings.c.state == "live").order_by(t.bindings.c.id)
    bindings = c.execute(live).all()
    bound = {r.person: r for r in bindings}
    query = (
        select(t.people, t.people.c.phone_sealed.is_not(None).label("has_phone"))
        .where(t.people.c.active == literal(True))
        .order_by(t.people.c.unit, t.people.c.contact_order, t.people.c.code)
    )
    people = []
    for r in c.execute(query):
        if (r.valid_from and r.valid_from > at) or (r.valid_to and r.valid_to <= at):
            continue
        binding = bound.get(r.code)
        people.append(
            Person(
                r.code,
                r.name,
                r.unit,
                Role(r.role),
                True,
                r.contact_order,
                bool(r.has_phone),
                binding.channel if binding else None,
                binding.address if binding else None,
                r.key_name,
                bool(r.key_authorised),
            )
        )
    plain: dict[str, str] = {}
    by_unit: dict[str, dict[str, str]] = {}
    for r in c.execute(select(t.settings).where(t.settings.c.from_at <= at).order_by(t.settings.c.id)):
        (plain if r.unit is None else by_unit.setdefault(r.unit, {}))[r.key] = r.value
    return OfficeConfig(
        epoch=read_epoch(c),
        units={r.code: _UNIT.read(r) for r in c.execute(select(*_UNIT.columns(t.units)))},
        people=tuple(people),
        settings=plain,
        unit_settings=by_unit,
        calendar={date.fromisoformat(r.day): bool(r.working) for r in c.execute(select(t.calendar_days))},
        bindings={(r.channel, r.user_id): r.person for r in bindings},
        shifts=_shifts(c, at),
        stand_ins=_stand_ins(c, at),
        quiet_hours={r.person: r.hours for r in c.execute(select(t.quiet_hours))},
        valid_until=_until(c, at),
    )


def _shifts(c: Connection, at: int) -> tuple[Shift, ...]:
    k = t.duty_shifts.c
    query = select(*SHIFT.columns(t.duty_shifts)).where(k.to_at > at).order_by(k.from_at, k.id)
    return tuple(SHIFT.read(r) for r in c.execute(query))


def _stand_ins(c: Connection, at: int) -> tuple[StandIn, ...]:
    k = t.stand_ins.c
    query = select(*STAND_IN.columns(t.stand_ins)).where(k.to_at > at).order_by(k.from_at, k.id)
    return tuple(STAND_IN.read(r) for r in c.execute(query))


def _until(c: Connection, at: int) -> datetime | None:
    bounds = [
        c.execute(select(func.min(column)).where(column > at)).scalar()
        for column in (t.people.c.valid_from, t.people.c.valid_to, t.settings.c.from_at)
    ]
    soonest = min((b for b in bounds if b is not None), default=None)
    return decode_instant(soonest)
