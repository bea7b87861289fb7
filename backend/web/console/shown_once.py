"""What a form brings forth and is shown once: the browser is sent on to it, so that reloading it does nothing again."""

from aiohttp import web

from backend.domain.acts import Actor
from backend.services import Services
from backend.web.console.came_from import read_origin
from backend.web.console.kept_once import TOKEN_BYTES, fetch, keep
from backend.web.console.sessions import FormHandler, SubmittedForm, require_session

PATH = "/shown/"


def show_once(handler: FormHandler) -> FormHandler:
    """Keep the page that a form's handler answers, sealed, and redirect to it (303); a refusal is answered as it is."""

    async def serve(request: web.Request, services: Services, actor: Actor, form: SubmittedForm) -> web.StreamResponse:
        answer = await handler(request, services, actor, form)
        if answer.status != 200 or not isinstance(answer, web.Response):
            return answer
        token = await keep(request, services, answer.text or "", read_origin(request) or "/")
        raise web.HTTPSeeOther(f"{PATH}{token}")

    return serve


async def show(request: web.Request, services: Services, _actor: Actor) -> web.StreamResponse:
    """GET /shown/TOKEN: the page, once and to the same session; afterwards the one it came from."""
    page, back = await fetch(request, services, request.match_info["token"])
    if not page:
        raise web.HTTPSeeOther(back or "/")
    return web.Response(text=page, content_type="text/html")


def add_routes(app: web.Application) -> None:
    """Add the route."""
    app.router.add_get(f"{PATH}{{token:[0-9a-f]{{{2 * TOKEN_BYTES}}}}}", require_session(show))
