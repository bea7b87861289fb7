"""Units, people, bindings, settings and API keys: reading and changing them."""

from collections.abc import Sequence
from typing import Any

from backend.domain.acts import Actor
from backend.domain.records import Person, Unit
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.office.people import PersonForm, generate_person_code
from backend.ports.config import SettingVersion
from backend.rooms import RegistryRoom, Rooms
from backend.tickets.form_fields import extract_key_name
from backend.web import shapes
from backend.web.asked import Answer, Ask
from backend.web.queries import cursor, limit_of, one_of, word_of


def registry_of(rooms: Rooms) -> RegistryRoom:
    """Return the people service. Refused `unavailable`."""
    if rooms.registry is None:
        raise Refused("unavailable")
    return rooms.registry


def _page(ask: Ask, coded: Sequence[tuple[str, Any]]) -> Answer:
    """Return a page of records in the order of their codes."""
    after, limit = word_of(ask.query), limit_of(ask.query)
    rest = sorted(((c, x) for c, x in coded if after is None or c > after), key=lambda pair: pair[0])
    items = rest[:limit]
    return Answer({"items": [x for _, x in items], "next": cursor(items[-1][0]) if len(rest) > limit else None})


async def put_unit(ask: Ask) -> Answer:
    """Store a unit: 201 if new or changed, 200 if unchanged."""
    want = ask.body
    unit = Unit(want.code, want.name, want.kind, want.region, want.parent, want.province_department, want.active,
                want.pilot)  # fmt: skip
    changed = await registry_of(ask.rooms).put_units([unit], ask.actor.code)
    ask.rooms.office.invalidate()
    return Answer(shapes.unit(unit), 201 if changed[0] else 200)


async def units(ask: Ask) -> Answer:
    """List units in the order of their codes."""
    snapshot = await ask.rooms.office.snapshot()
    return _page(ask, [(code, shapes.unit(u)) for code, u in snapshot.config.units.items()])


async def put_person(ask: Ask) -> Answer:
    """Store a person: 201 if new or changed, 200 if unchanged."""
    want = ask.body
    code = want.code or generate_person_code(want.unit, want.name.strip())
    key_name = want.key_name or (extract_key_name(want.key_subject) if want.key_subject else None)
    form = PersonForm(code=code, name=want.name, unit=want.unit, role=want.role, phone=want.phone, key_name=key_name,
                      key_authorised=want.key_authorised, active=want.active, rank=want.rank)  # fmt: skip
    changed = await registry_of(ask.rooms).put_people([form], ask.actor.code)
    ask.rooms.office.invalidate()
    snapshot = await ask.rooms.office.snapshot()
    kept = snapshot.by_code.get(code) or Person(
        code, want.name, want.unit, want.role, want.active, want.rank or 0, bool(want.phone), key_name=key_name
    )
    return Answer(shapes.person(kept), 201 if changed[0] else 200)


def people_seen(people: Sequence[Person], actor: Actor) -> list[Person]:
    """Return the people an actor may see: unit roles their own unit's."""
    return [p for p in people if not actor.is_unit_member or p.unit == actor.unit]


async def people(ask: Ask) -> Answer:
    """List people in the order of their codes; unit roles see their own unit's."""
    snapshot = await ask.rooms.office.snapshot()
    unit, role = ask.query.get("unit"), one_of(ask.query, "role", tuple(Role))
    seen = people_seen(snapshot.config.people, ask.actor)
    return _page(ask, [(p.code, shapes.person(p)) for p in seen if unit in (None, p.unit) and role in (None, p.role)])


async def open_binding(ask: Ask) -> Answer:
    """Create a binding code for a person; a liaison only for their own unit. Refused `not_found`."""
    code = ask.path["code"]
    snapshot = await ask.rooms.office.snapshot()
    person = snapshot.by_code.get(code)
    if person is None or (ask.actor.is_unit_member and person.unit != ask.actor.unit):
        raise Refused("not_found", person=code)
    binding = await registry_of(ask.rooms).create_binding_code(code, ask.actor.code)
    zone = ask.rooms.clock.zone
    return Answer({
        "code": binding.code, "link": binding.link, "expires_at": binding.expires_at.astimezone(zone).isoformat(),
    }, 201)  # fmt: skip


async def settings(ask: Ask) -> Answer:
    """Return all settings in force, key → value as text."""
    return Answer((await ask.rooms.office.snapshot()).settings.to_dict())


async def put_setting(ask: Ask) -> Answer:
    """Store a new version of a setting; `KEY@UNIT` or `unit` sets one unit's own."""
    key, _, unit = ask.path["key"].partition("@")
    value = await set_setting(
        ask.rooms, key, ask.body.unit or unit or None, ask.body.value, ask.actor, ask.body.from_at
    )
    return Answer({"key": ask.path["key"], "value": value})


async def set_setting(rooms: Rooms, key: str, unit: str | None, value: str, by: Actor, from_at: Any = None) -> str:
    """Check and store a setting; return its normal form. Refused `unknown_unit`, `unknown_setting`, `bad_setting` …"""
    snapshot = await rooms.office.snapshot()
    if unit is not None and unit not in snapshot.config.units:
        raise Refused("unknown_unit", unit=unit)
    full = key if unit is None else f"{key}@{unit}"
    written = snapshot.settings.with_changes({full: value}).overrides[full]
    now = rooms.clock.now()
    await rooms.office.store.add_version(SettingVersion(key, unit, written, from_at or now, by.code, now))
    await rooms.audit.record(now, by.code, "setting", full, value=written)
    rooms.office.invalidate()
    return written


async def create_key(ask: Ask) -> Answer:
    """Create an API key, shown once. Refused `missing`, `unknown_person`, `unknown_unit`."""
    want = ask.body
    snapshot = await ask.rooms.office.snapshot()
    if (want.person is None) == (want.role is None):
        raise Refused("missing", field="person")
    if want.person is not None and want.person not in snapshot.by_code:
        raise Refused("unknown_person", person=want.person)
    if want.unit is not None and want.unit not in snapshot.config.units:
        raise Refused("unknown_unit", unit=want.unit)
    now = ask.rooms.clock.now()
    secret = await ask.rooms.keys.create_key(want.name, now, person=want.person, role=want.role, unit=want.unit)
    await ask.rooms.audit.record(now, ask.actor.code, "key", want.name)
    return Answer({"key": secret}, 201, headers={"Cache-Control": "no-store"})
