"""SMS webhooks: replies from requesters and delivery status; signed and bounded like calls (FW1-FW3, FW22)."""

from aiohttp import web

from backend.calls.service import Calls
from backend.visits.texting import RequesterTexts
from backend.web.phone_hooks import BASE, Fields, PhoneHooks
from notify.line import Line
from notify.text import TextEvent

NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class TextHooks(PhoneHooks):
    """`…/sms`: an incoming SMS; `…/sms/status/ID`: the status of one of ours. A repeated message has one effect."""

    def __init__(self, calls: Calls, line: Line, address: str, texting: RequesterTexts) -> None:
        super().__init__(calls, line, address)
        self._texting = texting

    def add_to(self, app: web.Application) -> None:
        """Add these routes."""
        for path, work in {"/sms": self._came, r"/sms/status/{text:\d{1,18}}": self._fared}.items():
            app.router.add_post(BASE + path, self._guarded(work))

    async def _came(self, request: web.Request, fields: Fields) -> web.Response:
        said = dict(fields)
        kept = await self._in_time(
            self._texting.receive(said.get("From", ""), said.get("Body", "")), self.status_seconds
        )
        if kept is None:
            return web.Response(status=503)  # nothing stored; the carrier may send it again
        return web.Response(text=NOTHING, content_type="text/xml")

    async def _fared(self, request: web.Request, fields: Fields) -> web.Response:
        event = self._texting.gateway.read(fields)
        done = await self._in_time(self._report(int(request.match_info["text"]), event), self.status_seconds)
        return web.Response(status=204 if done else 503)

    async def _report(self, text_id: int, event: TextEvent) -> bool:
        await self._texting.report(text_id, event)
        return True
