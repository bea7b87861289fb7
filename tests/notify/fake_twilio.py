"""A small Twilio REST server: it keeps what it was asked and fails as it is told."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from sandbox.faults import Violations
from sandbox.twilio.errors import TwilioError
from sandbox.twilio.forms import check_parameters

ACCOUNT = "AC" + "0" * 32
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FakeTwilio:
    """`requests` are method, path and fields; `answers` are given instead of the next ones; `calls` are listed.

    With `delays` every answer is delayed by up to 0.2 s, in no order.
    """

    requests: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    answers: list[Respond] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    delays: random.Random | None = None
    url: str = ""

    def build_app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = await request.post() if request.method == "POST" else request.query
        fields = {name: form.getall(name) for name in form}
        self.requests.append((request.method, request.path, fields))
        self._check(request, form)
        if self.answers:
            return await self.answers.pop(0)(request)
        if self.delays:
            await asyncio.sleep(self.delays.random() * 0.2)
        if request.method == "GET":
            return web.json_response({"calls": self.calls, "page": 0, "page_size": 50, "next_page_uri": None})
        number = fields.get("To", [""])[0]
        return web.json_response({"sid": f"CA{number}", "status": "queued", "price": None}, status=201)

    def _check(self, request: web.Request, given: MultiMapping[Any]) -> None:
        last = request.path.rpartition("/")[2].removesuffix(".json")
        verb = {"POST": "Create", "GET": "List"}[request.method]
        operation = f"{verb}{last.removesuffix('s')}" if last in ("Calls", "Messages") else "UpdateCall"
        try:
            unknown = check_parameters(operation, given)
        except TwilioError as error:
            unknown = [error.message]
        for what in unknown:
            Violations("twilio").record(400, operation, what)


def answer(status: int, body: Any = None, **headers: str) -> Respond:
    """An answer with this status, and a body of text or JSON."""

    async def respond(request: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return respond
