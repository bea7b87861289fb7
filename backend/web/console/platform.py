"""Page of write-backs to the external platform: their errors, retry, mark as corrected by hand."""

from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may, require
from backend.ports.platform import WritebackState
from backend.services import Services
from backend.web.api import platform
from backend.web.body import strip_unstorable
from backend.web.console.came_from import keep_filters
from backend.web.console.rendering import render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.query import read_query
from backend.web.request import ApiRequest

FILTERS = ("ticket", "state", "cursor")


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /sync."""
    require(actor, "platform.read")
    query = {name: value for name, value in read_query(request.query, FILTERS).items() if value}
    answer = (await platform.list_writebacks(ApiRequest(services, actor, query=query))).payload
    filters = {k: v for k, v in query.items() if k != "cursor"}
    more = f"/sync?{urlencode({**filters, 'cursor': answer['next']})}" if answer["next"] else None
    return render_page(request, "sync.html", {
        **answer, "next": more, "query": filters, "states": list(WritebackState), "may_mend": may(actor, "platform.correct"),
        "open": ("waiting", "sending", "asked", "refused"),
    })  # fmt: skip


async def correct(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /sync/ID: retry, or mark as corrected by hand with a reason."""
    require(actor, "platform.correct")
    text = request.match_info["id"]
    event = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    again = form.fields.get("what") == "again"
    if again:
        await services.platform.resend(event, actor)
    else:
        await services.platform.settle(event, strip_unstorable(form.fields.get("reason", "")), actor)
    note_result(request, "writeback_again" if again else "writeback_settled")
    back = keep_filters(request, "/sync")
    raise web.HTTPSeeOther("/sync?state=refused" if back == "/sync" else back)


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/sync", require_session(show))
    app.router.add_post("/sync/{id}", require_form(correct))
