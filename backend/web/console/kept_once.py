"""Keeps a text, sealed, for one session until it is fetched once: a page that a form brings forth, or what a form did."""

import hashlib

from aiohttp import web

from backend.services import Services
from backend.web.console.rendering import SIGNED_IN

TOKEN_BYTES = 16
KEPT, GONE = 200, 303  # how it is kept: whole until it is fetched, then only what is to be known of it afterwards


async def keep(request: web.Request, services: Services, text: str, afterwards: str = "") -> str:
    """Keep a text for this session; return the token it is fetched by. `afterwards` (one line) outlives it."""
    token = services.chance.hex_token(TOKEN_BYTES)
    key = _build_key(request, token)
    await services.idempotency.claim(key, "", services.clock.now())
    await services.idempotency.settle(key, KEPT, f"{afterwards}\n{text}")
    return token


async def fetch(request: web.Request, services: Services, token: str) -> tuple[str, str]:
    """Return the text, once and to its own session, and `afterwards`; both "" if nothing is kept by this token."""
    key = _build_key(request, token)
    kept = await services.idempotency.find(key, "")
    if kept is None or kept.status not in (KEPT, GONE):
        return "", ""
    afterwards, _, text = kept.answer.partition("\n")
    if kept.status == KEPT:
        await services.idempotency.settle(key, GONE, afterwards)
    return text, afterwards


def _build_key(request: web.Request, token: str) -> str:
    return hashlib.sha256(f"shown\n{request[SIGNED_IN][1].csrf}\n{token}".encode()).hexdigest()
