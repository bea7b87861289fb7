"""Webhooks of chat networks: verify, store, then answer; the inbox worker interprets it later (delivery rule 1)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
from aiohttp import web

from backend.domain.refusals import Refused
from backend.ports.availability import Unavailable
from backend.web.body import read_bytes
from backend.web.request import SERVICES
from backend.web.webhooks.drivers import BASE, build_hook_request, build_response
from notify.chat_network import ChatNetwork, Verified
from notify.driver import HookRefused, HookResponse

log = structlog.get_logger("web")
STORE_SECONDS = 7.0  # FD4: stored, or 503, within 8 s
REFUSALS = {401: "unauthenticated", 403: "forbidden", 404: "not_found"}  # status of a refused webhook → code


class InboxReceiver(Protocol):
    """Stores incoming chat events before they are answered; implemented in bot."""

    async def receive(self, network: str, body: bytes) -> object:
        """Store one incoming event; an unreadable one is stored as unreadable."""
        ...

    async def respond(self, network: str, body: bytes) -> HookResponse:
        """Store a press, and return its answer within the network's time."""
        ...


class ChatHook:
    """The webhooks of the networks that have any; `address` is our public base URL, which signatures cover."""

    def __init__(self, inbox: InboxReceiver, networks: Sequence[ChatNetwork], address: str) -> None:
        self._inbox, self._networks, self._address = inbox, networks, address

    async def receive(self, network: ChatNetwork, request: web.Request) -> web.Response:
        """Answer one: 200 once stored, 401 if it is not the network's, 413 over 1 MB, 503 when it cannot be stored."""
        given = build_hook_request(request, self._address, await read_bytes(request))
        try:
            opened = network.receiver.open(given)
        except HookRefused as refused:
            raise Refused(REFUSALS.get(refused.status, "bad_request")) from None
        if isinstance(opened, HookResponse):
            return build_response(opened)
        request.app[SERVICES].gate.refuse_closed()
        try:
            async with asyncio.timeout(STORE_SECONDS):
                return await self._store(network, opened)
        except (Refused, Unavailable):
            raise
        except Exception as error:  # not stored, for any reason: the sender must repeat it
            log.error("inbox_unavailable", kind=type(error).__name__)
            raise Refused("unavailable") from None

    async def _store(self, network: ChatNetwork, opened: Verified) -> web.Response:
        if opened.waits:
            return build_response(await self._inbox.respond(network.name, opened.body))
        await self._inbox.receive(network.name, opened.body)
        return web.Response(text="")

    def add_routes(self, app: web.Application) -> None:
        """Add the routes of all networks."""
        for network in self._networks:
            for method, path in network.receiver.hooks:
                app.router.add_route(method, f"{BASE}/{network.name}{path}", self._build_handler(network))

    def _build_handler(self, network: ChatNetwork) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            return await self.receive(network, request)

        return handle
