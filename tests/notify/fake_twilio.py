"""A small Twilio REST server: it keeps what it was asked and fails as it is told."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ACCOUNT = "AC" + "0" * 32


@dataclass
class FakeTwilio:
    """Keeps what it was asked; `say` holds the answers to give instead of the next ones."""

    asked: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    say: list[Any] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    unhurried: random.Random | None = None
    base: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = await request.post() if request.method == "POST" else request.query
        fields = {name: form.getall(name) for name in form}
        self.asked.append((request.method, request.path, fields))
        if self.say:
            return await self.say.pop(0)(request)
        if self.unhurried:
            await asyncio.sleep(self.unhurried.random() * 0.2)
        if request.method == "GET":
            return web.json_response({"calls": self.calls, "page": 0, "page_size": 50, "next_page_uri": None})
        number = fields.get("To", [""])[0]
        return web.json_response({"sid": f"CA{number}", "status": "queued", "price": None}, status=201)


def says(status: int, body: Any = None, **headers: str):
    async def answer(request: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silence(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


def app(fake: FakeTwilio) -> web.Application:
    made = web.Application()
    made.router.add_route("*", "/{path:.*}", fake.handle)
    return made
