"""Sign-in and sign-out; every page needs a valid session and every form the session's CSRF token (FR9, FA4)."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from backend.domain.acts import OPERATOR, Actor
from backend.domain.refusals import Refused
from backend.ports.web import SESSION_MAX_AGE
from backend.services import Services
from backend.web.body import MAX_BODY_BYTES, read_parts
from backend.web.console.rendering import SIGNED_IN, render_page
from backend.web.console.result_note import fetch_note, forget_note, keep_note
from backend.web.identity import (
    COOKIE,
    SIGN_IN_GUESSES,
    authenticate_session,
    is_operator,
    is_same_origin,
    resolve_account,
    resolve_key_actor,
)
from backend.web.request import SERVICES, FormPart

MAX_FORM_BYTES = 21 * 1024 * 1024  # bytes, files included


@dataclass(frozen=True, slots=True)
class SubmittedForm:
    """A submitted form: its fields and its files."""

    fields: Mapping[str, str]
    files: tuple[FormPart, ...]


PageHandler = Callable[[web.Request, Services, Actor], Awaitable[web.StreamResponse]]
FormHandler = Callable[[web.Request, Services, Actor, SubmittedForm], Awaitable[web.StreamResponse]]


def require_session(handler: PageHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve a page to signed-in people; others are redirected to the sign-in page."""

    async def serve(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        actor = await _authenticate(request, services)
        noted = await fetch_note(request, services)
        answer = await handler(request, services, actor)
        if noted:
            forget_note(answer)
        return answer

    return serve


def require_form(handler: FormHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve a form of a signed-in person, sent from our own page with the session's CSRF token. Refused `stale_form`."""

    async def serve(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        actor = await _authenticate(request, services)
        if not is_same_origin(request):
            raise Refused("stale_form")
        filled = await read_form(request, MAX_FORM_BYTES)
        if not hmac.compare_digest(filled.fields.get("csrf", "").encode(), request[SIGNED_IN][1].csrf.encode()):
            raise Refused("stale_form")
        try:
            return await handler(request, services, actor, filled)
        except web.HTTPSeeOther as onward:
            await keep_note(request, services, onward)
            raise

    return serve


async def _authenticate(request: web.Request, services: Services) -> Actor:
    found = await authenticate_session(request, services)
    if found is None:
        raise Refused("unauthenticated")
    request[SIGNED_IN] = found
    return found[0]


async def read_form(request: web.Request, max_bytes: int) -> SubmittedForm:
    """Return the fields and files of a multipart form. Refused `bad_request`, `too_large`."""
    parts = await read_parts(request, max_bytes)
    try:
        fields = {p.name: p.content.decode("utf-8") for p in parts if p.filename is None}
    except UnicodeDecodeError:
        raise Refused("bad_request") from None
    return SubmittedForm(fields, tuple(p for p in parts if p.filename and p.content))


async def show_sign_in(request: web.Request) -> web.StreamResponse:
    """GET /sign-in."""
    if await authenticate_session(request, request.app[SERVICES]) is not None:
        raise web.HTTPSeeOther("/")
    return render_page(
        request, "sign_in.html", {"failed": False, "next": _check_next_path(request.query.get("next", ""))}
    )


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /sign-in: a one-time code or an API key opens a session; many failures are blocked for a while (FA1)."""
    services, guesses, address = request.app[SERVICES], request.app[SIGN_IN_GUESSES], request.remote or ""
    if not is_same_origin(request):
        raise Refused("stale_form")
    if guesses.is_blocked(address):
        raise Refused("too_many")
    fields = (await read_form(request, MAX_BODY_BYTES)).fields
    code, onward = fields.get("word", "").strip()[:200], _check_next_path(fields.get("next", ""))
    now = services.clock.now()
    actor = OPERATOR if is_operator(request, services, code) else await _find_actor(services, code)
    if actor is None:
        guesses.record_failure(address)
        await services.audit.record(now, "?", "sign_in_failed", None, address=address)
        return render_page(request, "sign_in.html", {"failed": True, "next": onward}, 401)
    opened = await services.keys.open_session(actor.account, now)
    await services.audit.record(now, actor.code, "sign_in")
    answer = web.HTTPSeeOther(onward or "/")
    answer.set_cookie(
        COOKIE, opened.token, httponly=True, samesite="Strict", path="/",
        secure=services.addresses.is_secure, max_age=int(SESSION_MAX_AGE.total_seconds()),
    )  # fmt: skip
    raise answer


def _check_next_path(path: str) -> str:
    """Return the path to go to after signing in if it is one of our own, else ""."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and len(path) < 500
    return path if ours else ""


async def _find_actor(services: Services, code: str) -> Actor | None:
    """Return who signs in with a sign-in code or key, if they may."""
    if not code:
        return None
    account = await services.keys.use_sign_in_token(code, services.clock.now())
    try:
        if account is not None:
            return await resolve_account(services, account)
        key = await services.keys.find_key(code)
        return None if key is None else await resolve_key_actor(services, key)
    except Refused:
        return None


async def sign_out(request: web.Request, services: Services, actor: Actor, _form: SubmittedForm) -> web.StreamResponse:
    """POST /sign-out."""
    await services.keys.close_session(request.cookies.get(COOKIE, ""))
    await services.audit.record(services.clock.now(), actor.code, "sign_out")
    answer = web.HTTPSeeOther("/sign-in")
    answer.del_cookie(COOKIE, path="/")
    raise answer
