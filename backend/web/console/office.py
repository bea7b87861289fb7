"""Page of units and people with their bindings."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may, require
from backend.services import Services
from backend.web.api.office import filter_visible_people
from backend.web.api.office import open_binding as bind
from backend.web.body import strip_unstorable
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm
from backend.web.request import ApiRequest


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /office."""
    return await _render(request, services, actor)


async def _render(
    request: web.Request, services: Services, actor: Actor, binding: object = None, name: str = ""
) -> web.StreamResponse:
    snapshot = await services.office.snapshot()
    people = filter_visible_people(snapshot.config.people, actor)
    mine = {p.unit for p in people}
    units = [u for u in snapshot.config.units.values() if not actor.is_unit_member or u.code in mine]
    return render_page(request, "office.html", {
        "units": sorted(units, key=lambda u: u.code), "binding": binding, "bound_name": name,
        "people_of": {u.code: [p for p in people if p.unit == u.code] for u in units},
        "may_bind": may(actor, "binding.open"),
    })  # fmt: skip


async def open_binding(
    request: web.Request, services: Services, actor: Actor, _form: SubmittedForm
) -> web.StreamResponse:
    """POST /office/people/CODE/binding: create a code, shown once."""
    require(actor, "binding.open")
    code = strip_unstorable(request.match_info["code"])
    answer = await bind(ApiRequest(services, actor, path={"code": code}))
    snapshot = await services.office.snapshot()
    return await _render(request, services, actor, answer.payload, snapshot.by_code[code].name)
