"""Webhook of the chat network: verify, store, then answer; the inbox worker interprets it later (delivery rule 1)."""

import asyncio
import hmac
from typing import Protocol

import structlog
from aiohttp import web

from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from backend.web.body import read_bytes
from backend.web.request import SERVICES

log = structlog.get_logger("web")
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
STORE_SECONDS = 7.0  # FD4: stored, or 503, within 8 s


def is_same_secret(given: str, secret: str) -> bool:
    """Compare in constant time, whatever bytes were sent (FT5)."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())


class InboxReceiver(Protocol):
    """Stores incoming chat events before they are answered; implemented in bot."""

    async def receive(self, source: str, body: bytes) -> bool:
        """Store one incoming event; an unreadable one is stored as unreadable."""
        ...


class ChatHook:
    """The webhook of a bot that has one."""

    def __init__(self, inbox: InboxReceiver, secret: str) -> None:
        self._inbox, self._secret = inbox, secret

    async def receive(self, request: web.Request) -> web.Response:
        """POST /hooks/telegram: 200 once stored, 401 without the secret, 413 over 1 MB, 503 when it cannot be stored.

        The address is the one we set: a query, which nobody signed, is refused as well (XR10).
        """
        if request.query_string or not is_same_secret(request.headers.get(SECRET_HEADER, ""), self._secret):
            raise Refused("unauthenticated")
        request.app[SERVICES].gate.refuse_closed()
        body = await read_bytes(request)
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self._inbox.receive("telegram", body)
        except (Refused, Unavailable):
            raise
        except Exception as error:  # not stored, for any reason: the sender must repeat it
            log.error("inbox_unavailable", kind=type(error).__name__)
            raise Refused("unavailable") from None
        return web.Response(text="")

    def add_routes(self, app: web.Application) -> None:
        """Add this route."""
        app.router.add_post("/hooks/telegram", self.receive)
