"""Webhooks of carriers that report key presses after the call: reports in batches, each stored on its own."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from notify.carrier import CallEvent, VoiceHost
from notify.driver import HookRefused, HookRequest, HookResponse, HostAway, Route

REPORT_SECONDS = 7.0
MAX_REPORTS = 500  # reports in one request


class ReportWire(Protocol):
    """What such carriers do each in their own way."""

    name: str

    def verify(self, request: HookRequest) -> bool:
        """Whether the carrier sent it."""
        ...

    def read_reports(self, body: bytes) -> Sequence[Mapping[str, str]]:
        """Return the reports of a body. Raises ValueError for an invalid one."""
        ...

    def read(self, report: Mapping[str, str]) -> CallEvent:
        """Parse one report; never raises, whatever the fields hold."""
        ...

    def acknowledge(self) -> HookResponse: ...


class ReportHooks:
    """403 without the secret, 400 for an invalid report, 503 to have it sent again."""

    def __init__(self, wire: ReportWire, host: VoiceHost) -> None:
        self._wire, self._host = wire, host

    def list_routes(self) -> list[Route]:
        """Return the one route."""
        return [Route("POST", "/reports/{secret}", self._receive)]

    async def _receive(self, request: HookRequest) -> HookResponse:
        if not self._wire.verify(request):
            return HookResponse(403)
        if not self._host.is_open():
            return HookResponse(503)
        try:
            reports = self._wire.read_reports(request.body)
        except ValueError:
            return HookResponse(400)
        if len(reports) > MAX_REPORTS:
            return HookResponse(400)
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                for report in reports:
                    await self._store(self._wire.read(report))
        except HostAway:
            return HookResponse(503)
        except Exception as error:  # not stored, for any reason: the carrier must send it again
            self._host.log_failure(error)
            return HookResponse(503)
        return self._wire.acknowledge()

    async def _store(self, event: CallEvent) -> None:
        """Store one report; one about an unknown call is audited and does not stop the others (FW24)."""
        try:
            await self._host.report(event)
        except HookRefused:
            await self._host.record_unknown(f"/hooks/{self._wire.name}/reports", event.provider_id)
