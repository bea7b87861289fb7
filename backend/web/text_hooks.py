"""The ear for short messages: what callers write back and how texts fared; signed and bounded as calls are (FW1-FW3, FW22)."""

from aiohttp import web

from backend.calls.room import Calls
from backend.visiting.texting import Texting
from backend.web.phone_hooks import BASE, Fields, PhoneHooks
from notify.line import Line
from notify.text import TextEvent

NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class TextHooks(PhoneHooks):
    """`…/sms`: a message came in; `…/sms/status/ID`: how one of ours fared. A repeated message has one effect."""

    def __init__(self, calls: Calls, line: Line, address: str, texting: Texting) -> None:
        super().__init__(calls, line, address)
        self._texting = texting

    def add_to(self, app: web.Application) -> None:
        """Open this door."""
        for path, work in {"/sms": self._came, r"/sms/status/{text:\d{1,18}}": self._fared}.items():
            app.router.add_post(BASE + path, self._guarded(work))

    async def _came(self, request: web.Request, fields: Fields) -> web.Response:
        said = dict(fields)
        kept = await self._in_time(self._texting.heard(said.get("From", ""), said.get("Body", "")), self.status_seconds)
        if kept is None:
            return web.Response(status=503)  # the carrier may ask again; nothing was promised
        return web.Response(text=NOTHING, content_type="text/xml")

    async def _fared(self, request: web.Request, fields: Fields) -> web.Response:
        event = self._texting.texter.read(fields)
        done = await self._in_time(self._report(int(request.match_info["text"]), event), self.status_seconds)
        return web.Response(status=204 if done else 503)

    async def _report(self, text_id: int, event: TextEvent) -> bool:
        await self._texting.report(text_id, event)
        return True
