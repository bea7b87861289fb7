"""What a form brings forth and is shown once: the browser is sent on to it, so that reloading it does nothing again."""

import hashlib

from aiohttp import web

from backend.domain.acts import Actor
from backend.services import Services
from backend.web.console.came_from import read_origin
from backend.web.console.rendering import SIGNED_IN
from backend.web.console.sessions import FormHandler, SubmittedForm, require_session

PATH = "/shown/"
TOKEN_BYTES = 16
SHOWN, GONE = 200, 303  # how a page is kept: whole and sealed until it is fetched, then only where one goes from it


def show_once(handler: FormHandler) -> FormHandler:
    """Keep the page that a form's handler answers, sealed, and redirect to it (303); a refusal is answered as it is."""

    async def serve(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
        answer = await handler(request, services, actor, form)
        if answer.status != SHOWN or not isinstance(answer, web.Response):
            return answer
        token = services.chance.hex_token(TOKEN_BYTES)
        key, back = _build_key(request, token), read_origin(request) or "/"
        await services.idempotency.claim(key, back, services.clock.now())
        await services.idempotency.settle(key, SHOWN, f"{back}\n{answer.text}")
        raise web.HTTPSeeOther(f"{PATH}{token}")

    return serve


async def show(request: web.Request, services: Services, _actor: Actor) -> web.StreamResponse:
    """GET /shown/TOKEN: the page, once and to the same session; afterwards the one it came from."""
    key = _build_key(request, request.match_info["token"])
    kept = await services.idempotency.find(key, "")
    if kept is None or kept.status not in (SHOWN, GONE):
        raise web.HTTPSeeOther("/")
    back, _, page = kept.answer.partition("\n")
    if kept.status == GONE:
        raise web.HTTPSeeOther(back)
    await services.idempotency.settle(key, GONE, back)
    return web.Response(text=page, content_type="text/html")


def _build_key(request: web.Request, token: str) -> str:
    return hashlib.sha256(f"shown\n{request[SIGNED_IN][1].csrf}\n{token}".encode()).hexdigest()


def add_routes(app: web.Application) -> None:
    """Add the route."""
    app.router.add_get(f"{PATH}{{token:[0-9a-f]{{{2 * TOKEN_BYTES}}}}}", require_session(show))
