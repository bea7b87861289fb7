"""Builds the web application: middleware, routes and console; the composition root only calls `build_app`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiohttp import web

from backend.ports.availability import Unavailable
from backend.services import Services
from backend.visits.rating_pages import PATH as RATING_PATH
from backend.web import events, health, rating
from backend.web.api.openapi import BASE
from backend.web.api.routes import ROUTES
from backend.web.client_address import CLIENT_ADDRESSES, ClientAddresses
from backend.web.console import routes
from backend.web.console.errors import render_refusal
from backend.web.endpoint import build_endpoint
from backend.web.errors import build_json_response, get_server_logger, get_status, log_unexpected, to_refusal
from backend.web.hook_meter import METER, HookMeter
from backend.web.host_check import check_host
from backend.web.identity import KEY_GUESSES, Guesses
from backend.web.metrics import METRICS, Metrics
from backend.web.request import ACTOR, REQUEST_ID, SERVICES
from backend.web.webhooks import platform

log = structlog.get_logger("web")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Arguments of `web.AppRunner`: a 100 KB header reaches the handler and is refused there (FT5); no access log, since
#: one line per request floods the log under attack and the metrics count requests anyway.
RUNNER_OPTIONS: dict[str, Any] = {
    "max_field_size": 128 * 1024, "access_log": None, "lingering_time": 2.0, "logger": get_server_logger(),
}  # fmt: skip
#: Paths whose errors are JSON even for a browser.
JSON_PATHS = ("/api/", "/hooks/", "/events", "/healthz", "/readyz", "/metrics", "/sandbox/clock")
#: Paths that answer while this process may not work on the database (FD12). Webhooks refuse in the words of their
#: networks, after they have seen who asks.
ALWAYS_OPEN = ("/healthz", "/readyz", "/metrics", "/hooks/", "/static/", "/sandbox/")
REFUSALS = (403, 404)  # statuses that are audited: forbidden, or out of sight
SECURITY_HEADERS = {
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
async def handle_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every request an id, turn every refusal into one shape and catch unexpected errors once, here (style 6)."""
    services = request.app[SERVICES]
    request[REQUEST_ID] = services.chance.hex_token(8)
    started_at = services.clock.monotonic()
    status = 500
    try:
        check_host(request)
        if not request.path.startswith(ALWAYS_OPEN):
            services.gate.refuse_closed()
        answer = await handler(request)
        status = answer.status
        await _record_refusal(request, status)  # a page that shows one beside its form
        return answer
    except web.HTTPException as error:
        status = error.status
        if error.status < 400:
            raise
        answer = await _respond_error(request, error)
        status = answer.status
        return answer
    except Exception as error:
        answer = await _respond_error(request, error)
        status = answer.status
        return answer
    finally:
        request.app[METRICS].observe_request(request, status, services.clock.monotonic() - started_at)
        request.app[METER].observe(request.path, status)


async def _respond_error(request: web.Request, error: Exception) -> web.StreamResponse:
    refused = to_refusal(error) or log_unexpected(request, error)
    await _record_refusal(request, get_status(refused.code))
    if request.path.startswith(RATING_PATH):
        return rating.render_refusal(request, refused, error)
    if request.path.startswith(JSON_PATHS) or "text/html" not in request.headers.get("Accept", ""):
        return build_json_response(request, refused, error)
    return await render_refusal(request, refused, error)


async def _record_refusal(request: web.Request, status: int) -> None:
    """Audit that somebody known asked for what they may not do, or see (FA12); many of them are a finding (XS14)."""
    actor = request.get(ACTOR)
    if actor is None or status not in REFUSALS:
        return
    services, resource = request.app[SERVICES], request.match_info.route.resource
    about = f"{request.method} {resource.canonical if resource is not None else '?'}"
    try:
        await services.audit.record(services.clock.now(), actor.code, "refused", about, status=status)
    except Unavailable as error:  # they are refused all the same
        log.warning("refusal_not_recorded", cause=error.cause)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add security headers and the request id; headers a handler has set are kept."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.config_dict[SERVICES].addresses.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers.setdefault("Cache-Control", "no-store")
    if response.status in (429, 503):  # at every door, pages and webhooks too (XR13)
        response.headers.setdefault("Retry-After", "5")
    number = request.get(REQUEST_ID)
    if number is not None:
        response.headers["X-Request-Id"] = number
    if "Server" in response.headers:
        del response.headers["Server"]


def build_app(
    services: Services, extra: Sequence[Callable[[web.Application], None]] = (), clients: ClientAddresses | None = None
) -> web.Application:
    """Build the web application. `extra` adds routes of other parts (telephone webhooks, the sandbox)."""
    app = web.Application(middlewares=[handle_errors], client_max_size=1024 * 1024)
    app[SERVICES] = services
    app[METRICS] = Metrics(services)
    app[METER] = HookMeter(services.clock.monotonic, services.tell_alarm)
    app[KEY_GUESSES] = Guesses(100, 60.0, services.clock.monotonic)
    app[CLIENT_ADDRESSES] = clients or ClientAddresses()
    app.on_response_prepare.append(_add_headers)
    for route in ROUTES:
        app.router.add_route(route.method, BASE + route.path, build_endpoint(route))
    for part in (health, platform, events, routes, rating):
        part.add_routes(app)
    for add_extra in extra:
        add_extra(app)
    return app
