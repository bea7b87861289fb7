"""Page 账号: who can sign in, links to choose a password, sessions and second factors of others."""

from aiohttp import web

from backend.domain.acts import Account, AccountKind, Actor
from backend.domain.permissions import require
from backend.domain.refusals import Refused
from backend.services import Services
from backend.web.body import strip_unstorable
from backend.web.console.my_account import require_fresh
from backend.web.console.rendering import render_page
from backend.web.console.result_note import note_result
from backend.web.console.sessions import SubmittedForm, require_form, require_session
from backend.web.console.shown_once import show_once
from backend.web.errors import get_status, word_refusal

PATH = "/accounts"
KINDS = (AccountKind.PERSON, AccountKind.ADMINISTRATOR)


async def show(request: web.Request, services: Services, actor: Actor) -> web.StreamResponse:
    """GET /accounts."""
    require(actor, "accounts.edit")
    return await _render(request, services, actor)


async def _render(
    request: web.Request, services: Services, actor: Actor, refused: Refused | None = None
) -> web.Response:
    stored = await services.accounts.list_all(actor)
    snapshot = await services.office.snapshot()
    known = {one.ref: one for one in stored if one.kind is AccountKind.PERSON}
    units, people = snapshot.config.units, [p for p in snapshot.config.people if p.active]
    return render_page(request, "accounts.html", {
        "administrators": [one for one in stored if one.kind is AccountKind.ADMINISTRATOR and one.closed_at is None],
        "people": [(p, units[p.unit].name if p.unit in units else p.unit, known.get(p.code)) for p in people],
        "own": actor.account, "fault": word_refusal(request, refused) if refused else "",
    }, get_status(refused.code) if refused else 200)  # fmt: skip


def _read_account(form: SubmittedForm) -> Account:
    kind, ref = form.fields.get("kind", ""), strip_unstorable(form.fields.get("ref", "")).strip()
    if kind not in KINDS:
        raise Refused("bad_field", field="kind")
    return Account(AccountKind(kind), ref)


async def issue_link(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /accounts/link: the link, shown once; who opens it chooses the password."""
    require(actor, "accounts.edit")
    try:
        require_fresh(request)
        if name := strip_unstorable(form.fields.get("new", "")).strip():
            account, link = name, await services.accounts.create_administrator(name, actor)
        else:
            whose = _read_account(form)
            account, link = whose.id, await services.accounts.issue_link(whose, actor)
    except Refused as refused:
        return await _render(request, services, actor, refused)
    address = f"{services.addresses.public_url}/account/link?token={link.token}"
    return render_page(request, "account_link.html", {"name": account, "address": address, "until": link.until})


async def end_sessions(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /accounts/sessions: end all of somebody's sessions."""
    account = _read_account(form)
    ended = await services.accounts.end_sessions(account, actor)
    note_result(request, "sessions_ended", n=ended)
    raise web.HTTPSeeOther(PATH)


async def close(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
    """POST /accounts/close: an account that signs in no more."""
    try:
        require_fresh(request)
        await services.accounts.close(_read_account(form), actor)
    except Refused as refused:
        return await _render(request, services, actor, refused)
    note_result(request, "account_closed")
    raise web.HTTPSeeOther(PATH)


async def remove_factor(
    request: web.Request, services: Services, actor: Actor, form: SubmittedForm
) -> web.StreamResponse:
    """POST /accounts/factor: the first administrator asks, a second one agrees."""
    try:
        require_fresh(request)
        gone = await services.accounts.remove_factor(_read_account(form), actor)
    except Refused as refused:
        return await _render(request, services, actor, refused)
    note_result(request, "factor_removed" if gone else "factor_removal_asked")
    raise web.HTTPSeeOther(PATH)


def add_routes(app: web.Application) -> None:
    """Add the page's routes."""
    add = app.router
    add.add_get(PATH, require_session(show))
    add.add_post(f"{PATH}/link", require_form(show_once(issue_link)))
    add.add_post(f"{PATH}/sessions", require_form(end_sessions))
    add.add_post(f"{PATH}/close", require_form(close))
    add.add_post(f"{PATH}/factor", require_form(remove_factor))
