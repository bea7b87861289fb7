"""Page of imports: choose what it is, take an empty table, hand a file in, read what became of each row."""

from typing import Any

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import PERMISSIONS, may, require
from backend.domain.refusals import Refused
from backend.services import Services
from backend.web.api.files import download_template, import_file
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.console.shown_once import show_once
from backend.web.errors import get_status, word_refusal
from backend.web.query import read_query
from backend.web.request import ApiRequest, FormPart

PREFIX = "import."
MAX_SHOWN = 200  # refused rows on the page


def add_routes(app: web.Application) -> None:
    """Add the page, its form, and the empty tables."""
    app.router.add_get("/imports", require_session(show))
    app.router.add_post("/imports", require_form(show_once(hand_in)))
    app.router.add_get("/imports/{kind}/template", require_session(send_template))


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /imports?kind=."""
    return _render(request, actor, read_query(request.query, ("kind",)).get("kind", ""))


def _render(
    request: web.Request, actor: Actor, kind: str, fault: str = "", code: int = 200, report: Any = None
) -> web.StreamResponse:
    require(actor, "files.import")
    kinds = [name.removeprefix(PREFIX) for name in PERMISSIONS if name.startswith(PREFIX) and may(actor, name)]
    shown = (report or {}).get("refused", [])[:MAX_SHOWN]
    return render_page(request, "imports.html", {
        "kinds": kinds, "kind": kind, "fault": fault, "report": report, "shown": shown,
    }, code)  # fmt: skip


async def hand_in(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /imports: import the file, or only look at it."""
    kind, look = form.fields.get("kind", ""), form.fields.get("look") == "yes"
    parts = (*form.files, FormPart("dry_run", None, b"1" if look else b"0"))
    try:
        report = (await import_file(ApiRequest(services, actor, path={"kind": kind}, parts=parts))).payload
    except Refused as refused:
        return _render(request, actor, kind, word_refusal(request, refused), get_status(refused.code))
    return _render(request, actor, kind, report={**report, "look": look})


async def send_template(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /imports/KIND/template."""
    answer = await download_template(ApiRequest(services, actor, path={"kind": request.match_info["kind"]}))
    return web.Response(body=answer.raw, headers=dict(answer.headers))
