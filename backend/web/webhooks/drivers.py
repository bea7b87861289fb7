"""Mounts the webhooks of every driver below `/hooks/<driver>`: each gets the raw request and verifies it itself."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from backend.domain.refusals import Refused, get_http_status
from backend.web.body import BodyTimeout, read_bytes
from notify.driver import HookRequest, HookResponse, Route

BASE = "/hooks"


def add_driver_routes(app: web.Application, driver: str, routes: Sequence[Route], address: str) -> None:
    """Add the routes of one driver; `address` is our public base URL, which signatures cover."""
    for route in routes:
        handler = _build_handler(route, address.rstrip("/"))
        if route.method == "GET":
            app.router.add_get(f"{BASE}/{driver}{route.path}", handler, allow_head=False)
        else:
            app.router.add_route(route.method, f"{BASE}/{driver}{route.path}", handler)


def _build_handler(route: Route, address: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body = b"" if request.method == "GET" else await read_bytes(request)
        except BodyTimeout:
            answer = web.Response(status=408)
            answer.force_close()
            return answer
        except Refused as refused:
            return web.Response(status=get_http_status(refused.code))
        return build_response(await route.handle(build_hook_request(request, address, body)))

    return handle


def build_hook_request(request: web.Request, address: str, body: bytes) -> HookRequest:
    """Return a request in the drivers' terms."""
    return HookRequest(
        request.method,
        address,
        request.raw_path,
        request.path,
        dict(request.match_info),
        tuple(request.headers.items()),
        body,
    )


def build_response(said: HookResponse) -> web.Response:
    """Return what a driver answers."""
    if not said.text:
        return web.Response(status=said.status)
    return web.Response(status=said.status, text=said.text, content_type=said.content_type)
