"""SMS webhooks: replies from requesters and delivery status; signed and bounded like calls (FW1-FW3, FW22)."""

from collections.abc import Callable

from aiohttp import web

from backend.calls.service import Calls
from backend.visits.texting import RequesterTexts
from backend.web.webhooks.voice import BASE_PATH, Fields, PhoneHooks
from notify.carrier import VoiceCarrier
from notify.sms_gateway import SmsEvent

EMPTY_RESPONSE = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class SmsHooks(PhoneHooks):
    """`…/sms`: an incoming SMS; `…/sms/status/ID`: the status of one of ours. A repeated message has one effect."""

    def __init__(
        self, calls: Calls, carrier: VoiceCarrier, address: str, texting: RequesterTexts,
        is_open: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        super().__init__(calls, carrier, address, is_open)
        self._texting = texting

    def add_routes(self, app: web.Application) -> None:
        """Add these routes."""
        for path, handler_method in {
            "/sms": self._receive_sms,
            r"/sms/status/{text:\d{1,18}}": self._receive_status,
        }.items():
            app.router.add_post(BASE_PATH + path, self._wrap(handler_method))

    async def _receive_sms(self, request: web.Request, fields: Fields) -> web.Response:
        values = dict(fields)
        stored = await self._run_in_time(
            self._texting.receive(values.get("From", ""), values.get("Body", "")), self.status_seconds
        )
        if stored is None:
            return web.Response(status=503)  # nothing stored; the carrier may send it again
        return web.Response(text=EMPTY_RESPONSE, content_type="text/xml")

    async def _receive_status(self, request: web.Request, fields: Fields) -> web.Response:
        event = self._texting.gateway.read(fields)
        stored = await self._run_in_time(
            self._store_sms_status(int(request.match_info["text"]), event), self.status_seconds
        )
        return web.Response(status=204 if stored else 503)

    async def _store_sms_status(self, text_id: int, event: SmsEvent) -> bool:
        await self._texting.report(text_id, event)
        return True
