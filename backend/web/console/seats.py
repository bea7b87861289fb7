"""Sign-in and sign-out; every page needs a valid session and every form the session's CSRF token (FR9, FA4)."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from backend.domain.acts import Actor
from backend.domain.refusals import Refused
from backend.ports.keys import SESSION_MAX_AGE
from backend.rooms import Rooms
from backend.web.asked import ROOMS, Part
from backend.web.bodies import LARGEST, read_parts
from backend.web.console.rendering import SEATED, page
from backend.web.identity import (
    COOKIE,
    SIGN_IN_GUESSES,
    actor_of_holder,
    actor_of_key,
    same_origin,
    session_of,
)

LARGEST_FORM = 21 * 1024 * 1024  # bytes, files included


@dataclass(frozen=True, slots=True)
class Filled:
    """A submitted form: its fields and its files."""

    fields: Mapping[str, str]
    files: tuple[Part, ...]


Page = Callable[[web.Request, Rooms, Actor], Awaitable[web.StreamResponse]]
Form = Callable[[web.Request, Rooms, Actor, Filled], Awaitable[web.StreamResponse]]


def seated(handler: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve a page to signed-in people; others are redirected to the sign-in page."""

    async def serve(request: web.Request) -> web.StreamResponse:
        rooms = request.app[ROOMS]
        return await handler(request, rooms, await _sit(request, rooms))

    return serve


def posted(handler: Form) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve a form of a signed-in person, sent from our own page with the session's CSRF token. Refused `stale_form`."""

    async def serve(request: web.Request) -> web.StreamResponse:
        rooms = request.app[ROOMS]
        actor = await _sit(request, rooms)
        if not same_origin(request, rooms.public_url):
            await rooms.audit.record(rooms.clock.now(), actor.code, "refused", "cross_site")
            raise Refused("stale_form")
        filled = await read_form(request, LARGEST_FORM)
        if not hmac.compare_digest(filled.fields.get("csrf", "").encode(), request[SEATED][1].csrf.encode()):
            raise Refused("stale_form")
        return await handler(request, rooms, actor, filled)

    return serve


async def _sit(request: web.Request, rooms: Rooms) -> Actor:
    found = await session_of(request, rooms)
    if found is None:
        raise Refused("unauthenticated")
    request[SEATED] = found
    return found[0]


async def read_form(request: web.Request, largest: int) -> Filled:
    """Return the fields and files of a multipart form. Refused `bad_request`, `too_large`."""
    parts = await read_parts(request, largest)
    try:
        fields = {p.name: p.content.decode("utf-8") for p in parts if p.filename is None}
    except UnicodeDecodeError:
        raise Refused("bad_request") from None
    return Filled(fields, tuple(p for p in parts if p.filename and p.content))


async def sign_in_page(request: web.Request) -> web.StreamResponse:
    """GET /sign-in."""
    if await session_of(request, request.app[ROOMS]) is not None:
        raise web.HTTPSeeOther("/")
    return page(request, "sign_in.html", {"failed": False, "next": _onward(request.query.get("next", ""))})


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /sign-in: a one-time code or an API key opens a session; many failures are blocked for a while (FA1)."""
    rooms, guesses, address = request.app[ROOMS], request.app[SIGN_IN_GUESSES], request.remote or ""
    if not same_origin(request, rooms.public_url):
        raise Refused("stale_form")
    if guesses.too_many(address):
        raise Refused("too_many")
    fields = (await read_form(request, LARGEST)).fields
    word, onward = fields.get("word", "").strip()[:200], _onward(fields.get("next", ""))
    now = rooms.clock.now()
    holder = await _holder(rooms, word)
    if holder is None:
        guesses.failed(address)
        await rooms.audit.record(now, "?", "sign_in_failed", None, address=address)
        return page(request, "sign_in.html", {"failed": True, "next": onward}, 401)
    opened = await rooms.keys.open_session(holder, now)
    await rooms.audit.record(now, holder, "sign_in")
    answer = web.HTTPSeeOther(onward or "/")
    answer.set_cookie(
        COOKIE, opened.token, httponly=True, samesite="Strict", path="/",
        secure=rooms.public_url.startswith("https:"), max_age=int(SESSION_MAX_AGE.total_seconds()),
    )  # fmt: skip
    raise answer


def _onward(path: str) -> str:
    """Return the path to go to after signing in if it is one of our own, else ""."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and len(path) < 500
    return path if ours else ""


async def _holder(rooms: Rooms, word: str) -> str | None:
    """Return the holder of a sign-in code or key, if they may sign in."""
    if not word:
        return None
    holder = await rooms.keys.use_sign_in_token(word, rooms.clock.now())
    try:
        if holder is not None:
            await actor_of_holder(rooms, holder)
            return holder
        key = await rooms.keys.find_key(word)
        return None if key is None else (await actor_of_key(rooms, key)).code
    except Refused:
        return None


async def sign_out(request: web.Request, rooms: Rooms, actor: Actor, _form: Filled) -> web.StreamResponse:
    """POST /sign-out."""
    await rooms.keys.close_session(request.cookies.get(COOKIE, ""))
    await rooms.audit.record(rooms.clock.now(), actor.code, "sign_out")
    answer = web.HTTPSeeOther("/sign-in")
    answer.del_cookie(COOKIE, path="/")
    raise answer
