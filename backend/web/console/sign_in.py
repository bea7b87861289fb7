"""Signing in: name and password or a one-time code, then the second factor; the page to choose a password by a link."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import segno
from aiohttp import web

from backend.domain.acts import OPERATOR, Account, Actor
from backend.domain.refusals import Refused
from backend.identity.factors import build_address
from backend.identity.sign_in import ENROL, FACTOR, OPEN, Attempt, Opened
from backend.ports.web import SESSION_MAX_AGE, Session, SessionOrigin
from backend.services import Services
from backend.web.body import MAX_BODY_BYTES
from backend.web.browser_name import name_browser
from backend.web.client_address import CLIENT_ADDRESSES
from backend.web.console.rendering import render_page
from backend.web.console.sessions import SubmittedForm, read_form
from backend.web.errors import get_status, word_refusal
from backend.web.identity import (
    authenticate_session,
    find_session,
    is_operator,
    is_same_origin,
    name_cookie,
    resolve_account,
)
from backend.web.request import SERVICES

DEVICE_COOKIE = "jiesu_device"
DEVICE_DAYS = 180
FREE_CODES = 10  # wrong one-time codes from one address in ten minutes
STEP_PAGES = {FACTOR: "/sign-in/factor", ENROL: "/sign-in/enrol"}
StepHandler = Callable[[web.Request, Services, str, Session], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Personas:
    """Who may be signed in as by one press, in a rehearsal on this machine: (code, name, role, unit) of each."""

    list_all: Callable[[], Awaitable[list[tuple[str, str, str, str]]]]


PERSONAS = web.AppKey("personas", Personas)


def read_attempt(request: web.Request, way: str) -> Attempt:
    """Return where a try comes from."""
    origin = SessionOrigin(
        way, name_browser(request.headers.get("User-Agent", "")), request.app[CLIENT_ADDRESSES].find(request)
    )
    return Attempt(origin, request.cookies.get(DEVICE_COOKIE, "")[:200])


async def show_sign_in(request: web.Request) -> web.StreamResponse:
    """GET /sign-in; `?code=` fills in a one-time code, and only pressing the button uses it up."""
    if await authenticate_session(request, request.app[SERVICES]) is not None:
        raise web.HTTPSeeOther("/")
    return await _render(
        request, _check_next_path(request.query.get("next", "")), code=request.query.get("code", "")[:200]
    )


async def _render(
    request: web.Request, onward: str, failed: str = "", status: int = 200, code: str = ""
) -> web.Response:
    personas = request.app.get(PERSONAS)
    context = {
        "failed": failed,
        "next": onward,
        "code": code,
        "personas": await personas.list_all() if personas else [],
    }
    return render_page(request, "sign_in.html", context, status)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /sign-in: name and password, or `word`: a one-time code, and on this machine its process's own token."""
    services = request.app[SERVICES]
    if not is_same_origin(request):
        raise Refused("stale_form")
    fields = (await read_form(request, MAX_BODY_BYTES)).fields
    onward = _check_next_path(fields.get("next", ""))
    try:
        if "word" in fields:
            opened = await _enter_by_code(request, services, fields["word"].strip()[:200])
        else:
            name, password = fields.get("name", ""), fields.get("password", "")
            opened = await services.sign_in.enter(name, password, read_attempt(request, "password"))
    except Refused as refused:
        status = 401 if refused.code in ("sign_in_failed", "code_spent") else get_status(refused.code)
        return await _render(request, onward, word_refusal(request, refused), status)
    raise send_on(services, opened, onward)


async def _enter_by_code(request: web.Request, services: Services, code: str) -> Opened:
    """Open a session by a one-time code. A right one never waits. Refused `code_spent`, `too_many`."""
    attempt, now = read_attempt(request, "code"), services.clock.now()
    actor = OPERATOR if is_operator(request, services, code) else await _use_code(services, code)
    if actor is None:
        bucket = f"code:{attempt.origin.address}"
        if await services.accounts.store.count_try(bucket, FREE_CODES, services.clock.real_now()):
            raise Refused("too_many")
        await services.audit.record(now, "?", "sign_in_failed", None, address=attempt.origin.address)
        raise Refused("code_spent")
    return await open_session(services, actor.account, actor.code, attempt)


async def open_session(services: Services, account: Account, name: str, attempt: Attempt) -> Opened:
    """Open a session of this account, by no password."""
    now = services.clock.now()
    opened = await services.keys.open_session(account, now, OPEN, attempt.origin)
    await services.audit.record(now, name, "sign_in", way=attempt.origin.way)
    return Opened(opened, OPEN)


async def _use_code(services: Services, code: str) -> Actor | None:
    account = await services.keys.use_sign_in_token(code, services.clock.now()) if code else None
    try:
        return None if account is None else await resolve_account(services, account)
    except Refused:
        return None


def send_on(services: Services, opened: Opened, onward: str = "") -> web.HTTPSeeOther:
    """Return the answer that gives the browser its session and sends it on."""
    answer = web.HTTPSeeOther(STEP_PAGES.get(opened.stage) or onward or "/")
    secure = services.addresses.is_secure
    answer.set_cookie(
        name_cookie(services), opened.session.token, httponly=True, samesite="Strict", path="/", secure=secure,
        max_age=int(SESSION_MAX_AGE.total_seconds()),
    )  # fmt: skip
    if opened.device:
        answer.set_cookie(
            DEVICE_COOKIE, opened.device, httponly=True, samesite="Strict", path="/sign-in", secure=secure,
            max_age=DEVICE_DAYS * 86400,
        )  # fmt: skip
    return answer


def _check_next_path(path: str) -> str:
    """Return the path to go to after signing in if it is one of our own, else ""."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and len(path) < 500
    return path if ours else ""


# -- the second factor


def require_step(stage: str, handler: StepHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve a step's page to sessions at that stage; others are sent where they belong."""

    async def serve(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        found = await find_session(request, services)
        if found is None or found[1].stage != stage:
            raise web.HTTPSeeOther("/sign-in" if found is None else STEP_PAGES.get(found[1].stage, "/"))
        return await handler(request, services, *found)

    return serve


async def _read_step_form(request: web.Request, session: Session) -> SubmittedForm:
    if not is_same_origin(request):
        raise Refused("stale_form")
    form = await read_form(request, MAX_BODY_BYTES)
    if not hmac.compare_digest(form.fields.get("csrf", "").encode(), session.csrf.encode()):
        raise Refused("stale_form")
    return form


async def show_factor(request: web.Request, _services: Services, _token: str, session: Session) -> web.StreamResponse:
    """GET /sign-in/factor."""
    return render_page(request, "sign_in_factor.html", {"failed": "", "csrf": session.csrf})


async def check_factor(request: web.Request, services: Services, token: str, session: Session) -> web.StreamResponse:
    """POST /sign-in/factor: a code of time or a recovery code."""
    form = await _read_step_form(request, session)
    try:
        opened = await services.sign_in.finish(
            session, token, form.fields.get("code", "")[:60], read_attempt(request, "password")
        )
    except Refused as refused:
        context = {"failed": word_refusal(request, refused), "csrf": session.csrf}
        return render_page(request, "sign_in_factor.html", context, get_status(refused.code))
    raise send_on(services, opened)


def build_enrolment(request: web.Request, services: Services, name: str, seed: str) -> Mapping[str, Any]:
    """Return what the page of enrolment shows: the seed as words and as a picture."""
    office = services.texts.render("console.title")
    picture = segno.make_qr(build_address(seed, name, office)).svg_data_uri(scale=4, border=2)
    return {"seed": seed, "seed_words": " ".join(seed[i : i + 4] for i in range(0, len(seed), 4)), "picture": picture}


async def show_enrolment(request: web.Request, services: Services, _token: str, session: Session) -> web.StreamResponse:
    """GET /sign-in/enrol: whose role needs a second factor and who has none sets it up before anything else opens."""
    return _render_enrolment(request, services, session, services.accounts.create_seed())


def _render_enrolment(
    request: web.Request, services: Services, session: Session, seed: str, failed: str = "", status: int = 200
) -> web.Response:
    shown = build_enrolment(request, services, session.account.id, seed)
    return render_page(request, "sign_in_enrol.html", {**shown, "failed": failed, "csrf": session.csrf}, status)


async def enrol(request: web.Request, services: Services, token: str, session: Session) -> web.StreamResponse:
    """POST /sign-in/enrol: with a code of the new factor it is set, the session opens, and the recovery codes are shown once."""
    form = await _read_step_form(request, session)
    seed = form.fields.get("seed", "")[:60]
    try:
        codes = await services.accounts.enrol(session.account, seed, form.fields.get("code", "")[:20])
        opened = await services.sign_in.finish_enrolment(session, token, read_attempt(request, "password"))
    except Refused as refused:
        return _render_enrolment(
            request, services, session, seed, word_refusal(request, refused), get_status(refused.code)
        )
    answer = render_page(request, "recovery_codes.html", {"codes": codes, "onward": "/"})
    for name, morsel in send_on(services, opened).cookies.items():
        answer.cookies[name] = morsel
    return answer


# -- links


async def show_link(request: web.Request) -> web.StreamResponse:
    """GET /account/link?token=…: who opens a link, or looks at it for somebody, uses nothing up."""
    services, token = request.app[SERVICES], request.query.get("token", "")[:100]
    link = await services.accounts.open_link(token)
    return render_page(request, "link.html", {"token": token, "name": link.name, "least": link.least, "failed": ""})


async def use_link(request: web.Request) -> web.StreamResponse:
    """POST /account/link: choose the password; it is typed twice."""
    services = request.app[SERVICES]
    if not is_same_origin(request):
        raise Refused("stale_form")
    fields = (await read_form(request, MAX_BODY_BYTES)).fields
    token, password = fields.get("token", "")[:100], fields.get("password", "")
    link = await services.accounts.open_link(token)
    try:
        if password != fields.get("again", ""):
            raise Refused("password_differs", field="again")
        await services.accounts.choose_password(token, password, fields.get("name", ""))
    except Refused as refused:
        context = {"token": token, "name": link.name, "least": link.least, "failed": word_refusal(request, refused)}
        return render_page(request, "link.html", context, get_status(refused.code))
    raise web.HTTPSeeOther("/sign-in?chosen=1")


def add_routes(app: web.Application) -> None:
    """Add the pages' routes."""
    add = app.router
    add.add_get("/sign-in", show_sign_in)
    add.add_post("/sign-in", sign_in)
    add.add_get("/sign-in/factor", require_step(FACTOR, show_factor))
    add.add_post("/sign-in/factor", require_step(FACTOR, check_factor))
    add.add_get("/sign-in/enrol", require_step(ENROL, show_enrolment))
    add.add_post("/sign-in/enrol", require_step(ENROL, enrol))
    add.add_get("/account/link", show_link)
    add.add_post("/account/link", use_link)
