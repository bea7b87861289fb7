"""Page of units and people with their bindings."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from backend.rooms import Rooms
from backend.web.api.office import open_binding as bind
from backend.web.api.office import people_seen
from backend.web.asked import Ask
from backend.web.bodies import keepable
from backend.web.console.rendering import page
from backend.web.console.seats import Filled

BINDERS = (Role.ADMIN, Role.LIAISON)


async def show(request: web.Request, rooms: Rooms, actor: Actor) -> web.StreamResponse:
    """GET /office."""
    return await _shown(request, rooms, actor)


async def _shown(
    request: web.Request, rooms: Rooms, actor: Actor, binding: object = None, name: str = ""
) -> web.StreamResponse:
    snapshot = await rooms.office.snapshot()
    people = people_seen(snapshot.config.people, actor)
    mine = {p.unit for p in people}
    units = [u for u in snapshot.config.units.values() if not actor.is_unit_member or u.code in mine]
    return page(request, "office.html", {
        "units": sorted(units, key=lambda u: u.code), "binding": binding, "bound_name": name,
        "people_of": {u.code: [p for p in people if p.unit == u.code] for u in units},
        "may_bind": actor.role in BINDERS,
    })  # fmt: skip


async def open_binding(request: web.Request, rooms: Rooms, actor: Actor, _form: Filled) -> web.StreamResponse:
    """POST /office/people/CODE/binding: create a code, shown once."""
    if actor.role not in BINDERS:
        raise Refused("forbidden")
    code = keepable(request.match_info["code"])
    answer = await bind(Ask(rooms, actor, path={"code": code}))
    snapshot = await rooms.office.snapshot()
    return await _shown(request, rooms, actor, answer.payload, snapshot.by_code[code].name)
