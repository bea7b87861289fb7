"""Who is signed in, and sign-out; every page needs a valid session and every form the session's CSRF token (FR9, FA4)."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.services import Services
from backend.web.body import read_parts
from backend.web.console.rendering import SIGNED_IN
from backend.web.console.result_note import fetch_note, forget_note, keep_note
from backend.web.identity import authenticate_session, is_same_origin, name_cookie
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


async def sign_out(request: web.Request, services: Services, actor: Actor, _form: SubmittedForm) -> web.StreamResponse:
    """POST /sign-out."""
    await services.keys.close_session(request.cookies.get(name_cookie(services), ""))
    await services.audit.record(services.clock.now(), actor.code, "sign_out")
    answer = web.HTTPSeeOther("/sign-in")
    answer.del_cookie(name_cookie(services), path="/", secure=services.addresses.is_secure)
    raise answer
