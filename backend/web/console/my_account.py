"""Page 我的账号: one's sessions, password and second factor; what secures the account wants a fresh sign-in."""

from aiohttp import web

from backend.domain.acts import AccountKind, Actor
from backend.domain.refusals import Refused
from backend.identity.accounts import FRESH
from backend.services import Services
from backend.web.console.rendering import SIGNED_IN, render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.console.shown_once import show_once
from backend.web.console.sign_in import build_enrolment
from backend.web.errors import get_status, word_refusal
from backend.web.identity import name_cookie
from backend.web.request import SERVICES

PATH = "/account"


def is_fresh(request: web.Request) -> bool:
    """Whether this session was opened a short while ago."""
    return request.app[SERVICES].clock.now() - request[SIGNED_IN][1].created_at <= FRESH


def require_fresh(request: web.Request) -> None:
    """Refused `fresh_needed` in a session that was opened too long ago: a forgotten screen changes nothing."""
    if not is_fresh(request):
        raise Refused("fresh_needed", n=int(FRESH.total_seconds() // 60))


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /account."""
    return await _render(request, services, actor)


async def _render(
    request: web.Request, services: Services, actor: Actor, refused: Refused | None = None
) -> web.Response:
    stored = await services.accounts.find_own(actor.account)
    sessions = await services.keys.list_sessions(actor.account, services.clock.now())
    own = next((s.id for s in sessions if s.created_at == request[SIGNED_IN][1].created_at), "")
    fault = word_refusal(request, refused) if refused else ""
    return render_page(request, "my_account.html", {
        "account": stored, "sessions": sessions, "own": own, "fault": fault, "is_fresh": is_fresh(request),
        "has_sessions": actor.account.kind is not AccountKind.OPERATOR, "n": int(FRESH.total_seconds() // 60),
        "needed": await services.accounts.needs_factor(actor.account),
    }, get_status(refused.code) if refused else 200)  # fmt: skip


async def change_password(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /account/password: the old one, and the new one twice."""
    token = request.cookies.get(name_cookie(services), "")
    try:
        if form.fields.get("new", "") != form.fields.get("again", ""):
            raise Refused("password_differs", field="again")
        await services.accounts.change_password(
            actor.account, form.fields.get("old", ""), form.fields.get("new", ""), token
        )
    except Refused as refused:
        return await _render(request, services, actor, refused)
    note_result(request, "password_changed")
    raise web.HTTPSeeOther(PATH)


async def end_sessions(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /account/sessions {id?}: one session, or all but this one."""
    token, only = request.cookies.get(name_cookie(services), ""), form.fields.get("id", "")[:16]
    ended = await services.keys.end_sessions(actor.account, only, keep=token)
    await services.audit.record(services.clock.now(), actor.code, "sessions_ended", actor.id, n=ended)
    note_result(request, "sessions_ended", n=ended)
    raise web.HTTPSeeOther(PATH)


async def show_enrolment(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /account/factor: the picture of a new second factor; it counts once its first code was typed."""
    if not is_fresh(request):
        return await _render(request, services, actor, Refused("fresh_needed", n=int(FRESH.total_seconds() // 60)))
    seed = services.accounts.create_seed()
    return render_page(request, "factor.html", {**build_enrolment(request, services, actor.id, seed), "failed": ""})


async def enrol(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /account/factor: the recovery codes, shown once."""
    require_fresh(request)
    seed = form.fields.get("seed", "")[:60]
    try:
        codes = await services.accounts.enrol(actor.account, seed, form.fields.get("code", "")[:20])
    except Refused as refused:
        shown = {**build_enrolment(request, services, actor.id, seed), "failed": word_refusal(request, refused)}
        return render_page(request, "factor.html", shown, get_status(refused.code))
    return render_page(request, "recovery_codes.html", {"codes": codes, "onward": PATH})


async def renew_codes(
    request: web.Request, services: Services, actor: Actor, _form: SubmittedForm
) -> web.StreamResponse:
    """POST /account/codes: new recovery codes, shown once; the old ones open nothing any more."""
    require_fresh(request)
    codes = await services.accounts.renew_recovery_codes(actor.account)
    return render_page(request, "recovery_codes.html", {"codes": codes, "onward": PATH})


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    add = app.router
    add.add_get(PATH, require_session(show))
    add.add_post(f"{PATH}/password", require_form(change_password))
    add.add_post(f"{PATH}/sessions", require_form(end_sessions))
    add.add_get(f"{PATH}/factor", require_session(show_enrolment))
    add.add_post(f"{PATH}/factor", require_form(show_once(enrol)))
    add.add_post(f"{PATH}/codes", require_form(show_once(renew_codes)))
