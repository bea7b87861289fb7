"""Webhook of the chat network: verify, store, then answer; the inbox worker interprets it later (delivery rule 1)."""

import asyncio
import hmac

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


async def receive_telegram(request: web.Request) -> web.Response:
    """POST /hooks/telegram: 200 once stored, 401 without the secret, 413 over 1 MB, 503 when it cannot be stored.

    The address is the one we set: a query, which nobody signed, is refused as well (XR10).
    """
    services = request.app[SERVICES]
    if services.inbox is None or not services.telegram_secret:
        raise Refused("not_found")
    if request.query_string or not is_same_secret(request.headers.get(SECRET_HEADER, ""), services.telegram_secret):
        raise Refused("unauthenticated")
    services.gate.refuse_closed()
    body = await read_bytes(request)
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await services.inbox.receive("telegram", body)
    except (Refused, Unavailable):
        raise
    except Exception as error:  # not stored, for any reason: the sender must repeat it
        log.error("inbox_unavailable", kind=type(error).__name__)
        raise Refused("unavailable") from None
    return web.Response(text="")


def add_routes(app: web.Application) -> None:
    """Add this route."""
    app.router.add_post("/hooks/telegram", receive_telegram)
