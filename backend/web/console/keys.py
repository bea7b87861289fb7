"""Page 访问密钥: what programs may reach the API with; a secret is shown once."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role
from backend.identity.keys import DAYS, MOST_DAYS, OVERLAP_HOURS, is_living
from backend.services import Services
from backend.web.console.forms import parse_integers, read_fields
from backend.web.console.my_account import require_fresh
from backend.web.console.rendering import render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.console.shown_once import show_once
from backend.web.errors import get_status, word_refusal

PATH = "/keys"
Work = Callable[[], Awaitable[str]]


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /keys."""
    require(actor, "office.edit")
    return await _render(request, services)


async def _render(request: web.Request, services: Services, refused: Refused | None = None) -> web.Response:
    now, snapshot = services.clock.now(), await services.office.snapshot()
    listed = [(one, is_living(one, now)) for one in await services.api_keys.list_all()]
    return render_page(request, "keys.html", {
        "listed": sorted(listed, key=lambda one: not one[1]), "roles": [*reversed(Role)], "days": DAYS, "most": MOST_DAYS,
        "units": sorted(snapshot.config.units.values(), key=lambda unit: unit.code), "hours": OVERLAP_HOURS,
        "fault": word_refusal(request, refused) if refused else "",
    }, get_status(refused.code) if refused else 200)  # fmt: skip


async def _show_secret(request: web.Request, services: Services, work: Work) -> web.StreamResponse:
    try:
        require_fresh(request)
        secret = await work()
    except Refused as refused:
        return await _render(request, services, refused)
    return render_page(request, "key.html", {"secret": secret})


async def create(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /keys: of a service with a role, for some days."""
    require(actor, "office.edit")

    async def work() -> str:
        fields = parse_integers(read_fields(form, "name", "role", "unit", "days"), "days")
        if "name" not in fields:
            raise Refused("missing", field="name")
        return await services.api_keys.create(
            fields["name"][:40], actor.code, role=fields.get("role", ""), unit=fields.get("unit"),
            days=fields.get("days", DAYS),
        )  # fmt: skip

    return await _show_secret(request, services, work)


async def rotate(request: web.Request, services: Services, actor: Actor, _form: SubmittedForm) -> web.StreamResponse:
    """POST /keys/ID/rotate: a new secret, shown once; the old one ends after a day."""
    require(actor, "office.edit")
    return await _show_secret(request, services, lambda: services.api_keys.rotate(_read_id(request), actor.code))


async def revoke(request: web.Request, services: Services, actor: Actor, _form: SubmittedForm) -> web.StreamResponse:
    """POST /keys/ID/revoke: it opens nothing from the next request on."""
    require(actor, "office.edit")
    revoked = await services.api_keys.revoke(_read_id(request), actor.code)
    note_result(request, "key_revoked", name=revoked.key.name)
    raise web.HTTPSeeOther(PATH)


def _read_id(request: web.Request) -> int:
    return int(request.match_info["id"])


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    add = app.router
    add.add_get(PATH, require_session(show))
    add.add_post(PATH, require_form(show_once(create)))
    add.add_post(f"{PATH}/{{id:[0-9]{{1,18}}}}/rotate", require_form(show_once(rotate)))
    add.add_post(f"{PATH}/{{id:[0-9]{{1,18}}}}/revoke", require_form(revoke))
