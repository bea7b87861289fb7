"""Health, readiness, metrics, the API description and the rehearsal clock."""

import asyncio
from typing import Any

import structlog
from aiohttp import web

from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from backend.web.api.openapi import build_document
from backend.web.body import read_json
from backend.web.identity import is_same_origin
from backend.web.metrics import METRICS
from backend.web.request import SERVICES
from backend.web.schemas import AdvanceBody, validate_body

log = structlog.get_logger("web")
STUCK_SECONDS = 60.0  # seconds without a finished worker run: not ready (FS6)
DATABASE_SECONDS = 5.0  # longest wait for the database to answer


async def get_health(_request: web.Request) -> web.Response:
    """GET /healthz: the process answers."""
    return web.json_response({"ok": True})


async def get_readiness(request: web.Request) -> web.Response:
    """GET /readyz: 200 if the database answers and every worker finished a run lately, else 503."""
    services = request.app[SERVICES]
    report: dict[str, Any] = {"database": await _check_database(request)}
    now = services.clock.monotonic()
    rounds = {name: "running" if now - at <= STUCK_SECONDS else "stuck" for name, at in services.heartbeats.items()}
    report["rounds"] = rounds
    if services.providers is not None:
        report["providers"] = dict(await services.providers())
    if report["database"] == "ok":
        report["findings"] = len(await services.integrity.list_findings())
    ok = report["database"] == "ok" and all(state == "running" for state in rounds.values())
    return web.json_response({"ok": ok, **report}, status=200 if ok else 503)


async def _check_database(request: web.Request) -> str:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await request.app[SERVICES].queries.ping()
    except Unavailable:
        return "away"
    except Exception as error:  # any failure means the same: not ready
        log.warning("database_unavailable", kind=type(error).__name__)
        return "away"
    return "ok"


async def get_metrics(request: web.Request) -> web.Response:
    """GET /metrics."""
    body = await request.app[METRICS].render()
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def get_openapi(_request: web.Request) -> web.Response:
    """GET /api/openapi.json."""
    return web.json_response(build_document())


async def get_clock(request: web.Request) -> web.Response:
    """GET /sandbox/clock: the rehearsal's current time."""
    return web.json_response({"now": request.app[SERVICES].clock.now().isoformat()})


async def advance_clock(request: web.Request) -> web.Response:
    """POST /sandbox/clock: move time on; answers when the work that became due is done.

    Refused `not_found` outside a rehearsal, `forbidden` from another site.
    """
    services = request.app[SERVICES]
    if services.sandbox_clock is None:
        raise Refused("not_found")
    if not is_same_origin(request, services.public_url):
        raise Refused("forbidden")
    body = validate_body(AdvanceBody, await read_json(request))
    before = services.clock.now()
    await services.sandbox_clock.advance(body.advance)
    await services.keys.move_sessions(services.clock.now() - before)
    return web.json_response({"now": services.clock.now().isoformat()})


def add_routes(app: web.Application) -> None:
    """Add these routes."""
    app.router.add_get("/healthz", get_health)
    app.router.add_get("/readyz", get_readiness)
    app.router.add_get("/metrics", get_metrics)
    app.router.add_get("/api/openapi.json", get_openapi)
    if app[SERVICES].sandbox_clock is not None:
        app.router.add_get("/sandbox/clock", get_clock)
        app.router.add_post("/sandbox/clock", advance_clock)
