"""Builds the web application: middleware, routes and console; the composition root only calls `make_app`."""

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from backend.rooms import Rooms
from backend.web import events, hooks, house, platform_hook
from backend.web.api.openapi import BASE
from backend.web.api.routes import ROUTES
from backend.web.asked import REQUEST_ID, ROOMS
from backend.web.console import pages
from backend.web.console.faults import page_of_refusal
from backend.web.gate import endpoint
from backend.web.identity import KEY_GUESSES, SIGN_IN_GUESSES, Guesses
from backend.web.meters import METERS, Meters
from backend.web.refusing import accident, json_answer, refusal_of
from backend.web.wire import wire_log

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Arguments of `web.AppRunner`: a 100 KB header reaches the handler and is refused there (FT5); no access log, since
#: one line per request floods the log under attack and the metrics count requests anyway.
RUNNER: dict[str, Any] = {
    "max_field_size": 128 * 1024, "access_log": None, "lingering_time": 2.0, "logger": wire_log(),
}  # fmt: skip
#: Paths whose errors are JSON even for a browser.
MACHINES = ("/api/", "/hooks/", "/events", "/healthz", "/readyz", "/metrics", "/sandbox/clock")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers send `Origin: null` and our own forms are refused
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}


@web.middleware
async def manners(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every request an id, turn every refusal into one shape and catch unexpected errors once, here (style 6)."""
    request[REQUEST_ID] = secrets.token_hex(8)
    begun = time.perf_counter()
    status = 500
    try:
        answer = await handler(request)
        status = answer.status
        return answer
    except web.HTTPException as error:
        status = error.status
        if error.status < 400:
            raise
        answer = await _no(request, error)
        status = answer.status
        return answer
    except Exception as error:
        answer = await _no(request, error)
        status = answer.status
        return answer
    finally:
        request.app[METERS].answered(request, status, time.perf_counter() - begun)


async def _no(request: web.Request, error: Exception) -> web.StreamResponse:
    refused = refusal_of(error) or accident(request, error)
    if request.path.startswith(MACHINES) or "text/html" not in request.headers.get("Accept", ""):
        return json_answer(request, refused, error)
    return await page_of_refusal(request, refused, error)


async def _dress(request: web.Request, response: web.StreamResponse) -> None:
    """Add security headers and the request id; headers a handler has set are kept."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    number = request.get(REQUEST_ID)
    if number is not None:
        response.headers["X-Request-Id"] = number
    if "Server" in response.headers:
        del response.headers["Server"]


def make_app(rooms: Rooms, extra: Sequence[Callable[[web.Application], None]] = ()) -> web.Application:
    """Build the web application. `extra` adds routes of other parts (telephone webhooks, the sandbox)."""
    app = web.Application(middlewares=[manners], client_max_size=1024 * 1024)
    app[ROOMS] = rooms
    app[METERS] = Meters(rooms)
    app[KEY_GUESSES] = Guesses(100, 60.0)
    app[SIGN_IN_GUESSES] = Guesses(10, 600.0)
    app.on_response_prepare.append(_dress)
    for route in ROUTES:
        app.router.add_route(route.method, BASE + route.path, endpoint(route))
    for door in (house, hooks, platform_hook, events, pages):
        door.add_routes(app)
    for add in extra:
        add(app)
    return app
