"""Page of units that are not ready for tickets, with their reminders."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may, require
from backend.services import Services
from backend.web.api import readiness
from backend.web.body import strip_unstorable
from backend.web.console.came_from import keep_filters
from backend.web.console.rendering import render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.request import ApiRequest


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /office/readiness."""
    require(actor, "readiness.read")
    items = (await readiness.list_units(ApiRequest(services, actor))).payload["items"]
    return render_page(request, "readiness.html", {
        "items": items, "may_chase": may(actor, "readiness.remind"),
    })  # fmt: skip


async def remind(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /office/readiness/CODE: record that the unit was reminded."""
    require(actor, "readiness.remind")
    code = strip_unstorable(request.match_info["code"])
    await services.readiness.record_reminder(code, strip_unstorable(form.fields.get("note", "")), actor)
    note_result(request, "reminder_recorded")
    raise web.HTTPSeeOther(keep_filters(request, "/office/readiness"))


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/office/readiness", require_session(show))
    app.router.add_post("/office/readiness/{code}", require_form(remind))
