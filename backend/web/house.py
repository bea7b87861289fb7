"""Health, readiness, metrics, the API description and the rehearsal clock."""

import asyncio
import time
from typing import Any

import structlog
from aiohttp import web

from backend.domain.refusals import Refused
from backend.web.api.openapi import document
from backend.web.asked import ROOMS
from backend.web.bodies import read_json
from backend.web.identity import same_origin
from backend.web.meters import METERS
from backend.web.wants import AdvanceWant, understood

log = structlog.get_logger("web")
STUCK = 60.0  # seconds without a finished worker run: not ready (FS6)
SECONDS = 5.0  # longest wait for the database to answer


async def alive(_request: web.Request) -> web.Response:
    """GET /healthz: the process answers."""
    return web.json_response({"ok": True})


async def ready(request: web.Request) -> web.Response:
    """GET /readyz: 200 if the database answers and every worker finished a run lately, else 503."""
    rooms = request.app[ROOMS]
    report: dict[str, Any] = {"database": await _database(request)}
    now = time.monotonic()
    rounds = {name: "running" if now - at <= STUCK else "stuck" for name, at in rooms.heartbeat.items()}
    report["rounds"] = rounds
    if rooms.providers is not None:
        report["providers"] = dict(await rooms.providers())
    if rooms.auditor is not None and report["database"] == "ok":
        report["findings"] = len(await rooms.auditor.list_findings())
    ok = report["database"] == "ok" and all(state == "running" for state in rounds.values())
    return web.json_response({"ok": ok, **report}, status=200 if ok else 503)


async def _database(request: web.Request) -> str:
    try:
        async with asyncio.timeout(SECONDS):
            await request.app[ROOMS].reading.ping()
    except Exception as error:  # any failure means the same: not ready
        log.warning("database_unavailable", kind=type(error).__name__)
        return "away"
    return "ok"


async def meters(request: web.Request) -> web.Response:
    """GET /metrics."""
    body = await request.app[METERS].read()
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def openapi(_request: web.Request) -> web.Response:
    """GET /api/openapi.json."""
    return web.json_response(document())


async def clock(request: web.Request) -> web.Response:
    """GET /sandbox/clock: the rehearsal's current time."""
    return web.json_response({"now": request.app[ROOMS].clock.now().isoformat()})


async def advance(request: web.Request) -> web.Response:
    """POST /sandbox/clock: move time on; answers when the work that became due is done.

    Refused `not_found` outside a rehearsal, `forbidden` from another site.
    """
    rooms = request.app[ROOMS]
    if rooms.sandbox_clock is None:
        raise Refused("not_found")
    if not same_origin(request, rooms.public_url):
        raise Refused("forbidden")
    want = understood(AdvanceWant, await read_json(request))
    before = rooms.clock.now()
    await rooms.sandbox_clock.advance(want.advance)
    await rooms.keys.move_sessions(rooms.clock.now() - before)
    return web.json_response({"now": rooms.clock.now().isoformat()})


def add_routes(app: web.Application) -> None:
    """Add these routes."""
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", meters)
    app.router.add_get("/api/openapi.json", openapi)
    if app[ROOMS].sandbox_clock is not None:
        app.router.add_get("/sandbox/clock", clock)
        app.router.add_post("/sandbox/clock", advance)
