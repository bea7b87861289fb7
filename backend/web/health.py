"""Health, readiness, metrics and the API description."""

import asyncio
from typing import Any

from aiohttp import web

from backend.operations.gate import CODE
from backend.web.api.openapi import build_document
from backend.web.metrics import METRICS
from backend.web.request import SERVICES

DEGRADED = ("scanner_away", "disk_low")  # conditions that do not stop the work


async def get_health(_request: web.Request) -> web.Response:
    """GET /healthz: the process answers."""
    return web.json_response({"ok": True})


async def get_readiness(request: web.Request) -> web.Response:
    """GET /readyz: 200 while the whole installation is well, else 503 and what is red, in codes (XR8).

    `degraded` is what some have to do without while the installation is alive: nobody need be woken.

    With `?scope=door` this process alone, for balancers. It tells no numbers: anybody may ask.
    """
    services = request.app[SERVICES]
    if request.query.get("scope") == "door":
        report = await services.health.inspect_door()
        shown: dict[str, Any] = {"database": report.database}
    else:
        report = await services.health.inspect()
        shown = {
            "degraded": [code for code in services.list_conditions() if code in DEGRADED],
            "database": report.database, "roles": report.roles, "workers": report.workers, "findings": report.kinds,
        }  # fmt: skip
        if services.providers:
            shown["providers"] = dict(services.providers)
    red = [*report.red, *(() if services.gate.is_open() else (CODE,))]
    return web.json_response({"ok": not red, "red": red, **shown}, status=503 if red else 200)


async def get_metrics(request: web.Request) -> web.Response:
    """GET /metrics."""
    body = await request.app[METRICS].render()
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def get_openapi(request: web.Request) -> web.Response:
    """GET /api/openapi.json."""
    language = request.app[SERVICES].texts.language
    return web.json_response(await asyncio.to_thread(build_document, language))  # the first time takes half a second


def add_routes(app: web.Application) -> None:
    """Add these routes."""
    app.router.add_get("/healthz", get_health)
    app.router.add_get("/readyz", get_readiness)
    app.router.add_get("/metrics", get_metrics)
    app.router.add_get("/api/openapi.json", get_openapi)
