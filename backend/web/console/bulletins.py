"""Bulletins page: make one, see its progress, download its documents; works on a phone and without scripts."""

from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may, require
from backend.domain.refusals import Refused
from backend.reporting.kinds import BulletinKind
from backend.services import Services
from backend.web.api import bulletins
from backend.web.body import strip_unstorable
from backend.web.console.forms import run_form
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.errors import format_refusal
from backend.web.query import read_query
from backend.web.request import ApiRequest

REFRESH_SECONDS = "2"  # seconds until the page reloads while a bulletin is being made


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /bulletins."""
    return await _render(request, services, actor)


async def _render(
    request: web.Request, services: Services, actor: Actor, fault: str = "", code: int = 200, *, period: str = ""
) -> web.StreamResponse:
    require(actor, "bulletins.read")
    query = {} if fault else {k: v for k, v in read_query(request.query, ("period", "cursor")).items() if v}
    listed = (await bulletins.list_issues(ApiRequest(services, actor, query=query))).payload
    items, more = listed["items"], listed["next"]
    snapshot = await services.office.snapshot()
    why = {item["id"]: format_refusal(services.texts, item["error"], {}) for item in items if item["error"]}
    answer = render_page(request, "bulletins.html", {
        "items": items, "why": why, "next": f"/bulletins?{urlencode({**query, 'cursor': more})}" if more else None, "kinds": list(BulletinKind), "may_make": may(actor, "bulletins.make"), "fault": fault,
        "period": period or f"{services.clock.now():%Y-%m}", "names": snapshot.person_names,
    }, code)  # fmt: skip
    if not fault and any(item["state"] == "making" for item in items):
        answer.headers["Refresh"] = REFRESH_SECONDS
    return answer


async def make(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /bulletins."""
    require(actor, "bulletins.make")
    fields = {name: strip_unstorable(value).strip() for name, value in form.fields.items()}
    period, number = fields.get("period", ""), fields.get("number", "")

    async def work() -> None:
        if number and not (number.isascii() and number.isdigit() and len(number) < 6):
            raise Refused("bad_issue", number=number[:20])
        await services.reporting.start(
            period, fields.get("kind") or None, actor, number=int(number) if number else None
        )

    again = partial(_render, request, services, actor, period=period)
    return await run_form(request, work(), again, "/bulletins", "bulletin_started")


async def download(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /bulletins/ID/FILE."""
    require(actor, "bulletins.read")
    service = services.reporting
    name, content = await service.export_document(
        bulletins.parse_issue_id(request.match_info["id"]), request.match_info["file"], actor
    )
    return web.Response(body=content, headers=bulletins.build_download_headers(name))


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/bulletins", require_session(show))
    app.router.add_post("/bulletins", require_form(make))
    app.router.add_get("/bulletins/{id}/{file}", require_session(download))
