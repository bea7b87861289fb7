"""Webhook for carriers that report key presses after the call: JSON reports in batches, each stored on its own."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web

from backend.calls.service import Calls
from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from backend.web.body import read_json
from notify.carrier import VoiceCarrier
from notify.message import Prompt

log = structlog.get_logger("phone")
REPORT_SECONDS = 7.0
MAX_REPORTS = 500  # reports in one request
EMPTY_PROMPT = Prompt(())


class ReportHooks:
    """`POST /hooks/NAME/reports/SECRET`: 403 without the secret, 400 for an invalid report, 503 to have it sent again."""

    def __init__(self, calls: Calls, carrier: VoiceCarrier, is_open: Callable[[], bool] = lambda: True) -> None:
        self._calls, self._carrier, self.is_open = calls, carrier, is_open

    def add_to(self, app: web.Application) -> None:
        """Add this route."""
        app.router.add_post(f"/hooks/{self._carrier.name}/reports/{{secret}}", self._receive)

    async def _receive(self, request: web.Request) -> web.Response:
        genuine = self._carrier.is_genuine(url=str(request.rel_url), params=(), signature=None)
        if request.query_string or not genuine:  # the carrier adds nothing to the address it was given (XR10)
            return web.Response(status=403)
        if not self.is_open():
            return web.Response(status=503)
        try:
            body = await read_json(request)
        except Refused as refused:
            return web.Response(status=413 if refused.code == "too_large" else 400)
        reports = body if isinstance(body, list) else [body]
        if len(reports) > MAX_REPORTS or not all(isinstance(report, dict) for report in reports):
            return web.Response(status=400)
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                for report in reports:
                    await self._store_report(report)
        except Unavailable:
            return web.Response(status=503)
        except Exception as error:  # not stored, for any reason: the carrier must send it again
            log.error("not_answered", kind=type(error).__name__)
            return web.Response(status=503)
        return web.Response(text=self._carrier.render(EMPTY_PROMPT, next_url=""), content_type="application/json")

    async def _store_report(self, report: dict[str, Any]) -> None:
        """Store one report; one about an unknown call is audited and does not stop the others (FW24)."""
        event = self._carrier.read([(str(k), "" if v is None else str(v)) for k, v in report.items()])
        try:
            await self._calls.report(event)
        except Refused:
            await self._calls.record_unknown_callback(f"/hooks/{self._carrier.name}/reports", event.provider_id)
