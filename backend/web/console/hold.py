"""Page 恢复: after a restore, what waits by kind and age, what passed in the gap, and the release (FD13)."""

from datetime import datetime, timedelta

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.permissions import may, require
from backend.domain.refusals import Refused
from backend.ports.backups import Release
from backend.services import Services
from backend.web.api import hold
from backend.web.console.rendering import SIGNED_IN, render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.request import ApiRequest

#: Group of words of the kinds of what waits.
KIND_WORDS = {"messages": "message_kind", "cards": "message_kind", "calls": "call_purpose"}
FRESH = timedelta(minutes=10)  # since the sign-in: a forgotten screen releases nothing


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /restored."""
    require(actor, "hold.read")
    report = (await hold.get_hold(ApiRequest(services, actor))).payload
    return render_page(request, "hold.html", {
        **report, "stands": report["held"], "kind_words": KIND_WORDS, "modes": list(Release), "may_release": may(actor, "hold.release"),
        "is_fresh": is_fresh(request, services), "minutes": int(FRESH.total_seconds() // 60),
    })  # fmt: skip


def is_fresh(request: web.Request, services: Services) -> bool:
    """Whether this session was signed in a short while ago."""
    return services.clock.now() - request[SIGNED_IN][1].created_at <= FRESH


async def release(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /restored. Refused `sign_in_again`, `bad_request`, `not_held`."""
    require(actor, "hold.release")
    if not is_fresh(request, services):
        raise Refused("sign_in_again")
    mode, before = form.fields.get("mode", ""), form.fields.get("before", "").strip()
    if mode not in list(Release):
        raise Refused("bad_request")
    try:
        moment = datetime.fromisoformat(before) if before else None
    except ValueError:
        raise Refused("bad_request") from None
    if moment is not None:
        moment = moment if moment.tzinfo else moment.replace(tzinfo=services.clock.zone)
    await services.holds.release(Release(mode), actor.code, before=None if mode == Release.ALL else moment)
    note_result(request, f"released_{mode}")
    raise web.HTTPSeeOther("/restored")


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    app.router.add_get("/restored", require_session(show))
    app.router.add_post("/restored", require_form(release))
