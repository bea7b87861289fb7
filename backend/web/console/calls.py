"""Page of call costs and invalid numbers."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may, require
from backend.services import Services
from backend.web.api import calls
from backend.web.body import strip_unstorable
from backend.web.console.rendering import render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.query import read_query
from backend.web.request import ApiRequest


async def show_costs(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /calls/costs."""
    require(actor, "call_costs.read")
    query = {k: v for k, v in read_query(request.query, ("month",)).items() if v}
    summary = await calls.load_costs(services, query.get("month"))
    dead = (await calls.list_invalid_numbers(ApiRequest(services, actor))).payload["items"]
    snapshot = await services.office.snapshot()
    return render_page(request, "costs.html", {
        **summary, "dead": dead, "may_revive": may(actor, "invalid_numbers.edit"),
        "names": snapshot.person_names,
    })  # fmt: skip


async def revive_number(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /calls/invalid-numbers: allow calls to a number again."""
    require(actor, "invalid_numbers.edit")
    await calls.revive_number(ApiRequest(services, actor, path={"key": strip_unstorable(form.fields.get("key", ""))}))
    note_result(request, "number_revived")
    raise web.HTTPSeeOther("/calls/costs")


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/calls/costs", require_session(show_costs))
    app.router.add_post("/calls/invalid-numbers", require_form(revive_number))
