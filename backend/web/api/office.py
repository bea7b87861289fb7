"""Units, people, bindings and settings: reading and changing them."""

from collections.abc import Sequence
from typing import TypeVar

from typing_extensions import TypedDict

from backend.domain.acts import Actor
from backend.domain.json_shapes import Instant
from backend.domain.records import Person, Unit
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.office import settings
from backend.office.people import PersonForm, generate_person_code
from backend.tickets.form_fields import extract_key_name
from backend.web import serializers, shapes
from backend.web.query import encode_cursor, parse_choice, parse_cursor, parse_limit
from backend.web.request import ApiRequest, ApiResponse

T = TypeVar("T")


class Binding(TypedDict):
    """A binding code and its link; both work once, until then."""

    code: str
    link: str
    expires_at: Instant


class SettingValue(TypedDict):
    """A setting as it was stored."""

    key: str
    value: str


def _paginate(request: ApiRequest, records: Sequence[tuple[str, T]]) -> ApiResponse[shapes.Page[T]]:
    """Return a page of records in the order of their codes."""
    after, limit = parse_cursor(request.query), parse_limit(request.query)
    rest = sorted(((c, x) for c, x in records if after is None or c > after), key=lambda pair: pair[0])
    items = rest[:limit]
    return ApiResponse(
        {"items": [x for _, x in items], "next": encode_cursor(items[-1][0]) if len(rest) > limit else None}
    )


async def store_unit(request: ApiRequest) -> ApiResponse[shapes.Unit]:
    """Store a unit: 201 if new or changed, 200 if unchanged."""
    body = request.body
    unit = Unit(
        body.code, body.name, body.kind, body.region, body.parent, body.province_department, body.active, body.pilot
    )
    changed = await request.services.people.save_units([unit], request.actor.code)
    request.services.office.invalidate()
    return ApiResponse(serializers.dump_unit(unit), 201 if changed[0] else 200)


async def list_units(request: ApiRequest) -> ApiResponse[shapes.Page[shapes.Unit]]:
    """List units in the order of their codes."""
    snapshot = await request.services.office.snapshot()
    return _paginate(request, [(code, serializers.dump_unit(u)) for code, u in snapshot.config.units.items()])


async def store_person(request: ApiRequest) -> ApiResponse[shapes.Person]:
    """Store a person: 201 if new or changed, 200 if unchanged."""
    body = request.body
    code = body.code or generate_person_code(body.unit, body.name.strip())
    key_name = body.key_name or (extract_key_name(body.key_subject) if body.key_subject else None)
    form = PersonForm(code=code, name=body.name, unit=body.unit, role=body.role, phone=body.phone, key_name=key_name,
                      key_authorised=body.key_authorised, active=body.active, contact_order=body.rank)  # fmt: skip
    changed = await request.services.people.save_people([form], request.actor.code)
    request.services.office.invalidate()
    snapshot = await request.services.office.snapshot()
    person = snapshot.by_code.get(code) or Person(
        code, body.name, body.unit, body.role, body.active, body.rank or 0, bool(body.phone), key_name=key_name
    )
    return ApiResponse(serializers.dump_person(person), 201 if changed[0] else 200)


def filter_visible_people(people: Sequence[Person], actor: Actor) -> list[Person]:
    """Return the people an actor may see: unit roles their own unit's."""
    return [p for p in people if actor.may_see(p.unit)]


async def list_people(request: ApiRequest) -> ApiResponse[shapes.Page[shapes.Person]]:
    """List people in the order of their codes; unit roles see their own unit's."""
    snapshot = await request.services.office.snapshot()
    unit, role = request.query.get("unit"), parse_choice(request.query, "role", tuple(Role))
    seen = filter_visible_people(snapshot.config.people, request.actor)
    return _paginate(
        request,
        [(p.code, serializers.dump_person(p)) for p in seen if unit in (None, p.unit) and role in (None, p.role)],
    )


async def open_binding(request: ApiRequest) -> ApiResponse[Binding]:
    """Create a binding code for a person; a liaison only for their own unit. Refused `unknown_person`."""
    code = request.path["code"]
    snapshot = await request.services.office.snapshot()
    person = snapshot.by_code.get(code)
    if person is None or not request.actor.may_see(person.unit):
        raise Refused("unknown_person", person=code)
    binding = await request.services.people.create_binding_code(code, request.actor.code)
    zone = request.services.clock.zone
    return ApiResponse(
        {"code": binding.code, "link": binding.link, "expires_at": binding.expires_at.astimezone(zone).isoformat()}, 201
    )


async def list_settings(request: ApiRequest) -> ApiResponse[dict[str, str]]:
    """Return all settings in force, key → value as text."""
    return ApiResponse((await request.services.office.snapshot()).settings.to_dict())


async def store_setting(request: ApiRequest) -> ApiResponse[SettingValue]:
    """Store a new version of a setting; `KEY@UNIT` or `unit` sets one unit's own."""
    key, body, services = request.path["key"], request.body, request.services
    value = await settings.set_setting(
        services.office,
        services.audit,
        key,
        body.unit,
        body.value,
        request.actor.code,
        body.from_at,
        body.together,
    )
    return ApiResponse({"key": key, "value": value})
