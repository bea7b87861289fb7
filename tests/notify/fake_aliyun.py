"""A small voice service as the Chinese ones are: RPC forms in, JSON out; it keeps what it was asked."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class FakeAliyun:
    """`say` holds the answers to give instead of the next ones; `details` what is told of a call by its id."""

    asked: list[Mapping[str, str]] = field(default_factory=list)
    say: list[Any] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    base: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = {**request.query, **{k: str(v) for k, v in (await request.post()).items()}}
        action = form.get("Action") or request.headers.get("x-acs-action", "")
        self.asked.append({**form, "Action": action})
        if self.say:
            one = self.say.pop(0)
            if one == "cut":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if one == "silence":
                await asyncio.sleep(30)
            return web.json_response(one, status=one.get("status", 200))
        if action == "QueryCallDetailByCallId":
            data = self.details.get(form.get("CallId", ""), "")
            return web.json_response({"Code": "OK", "Message": "OK", "Data": data, "RequestId": "r"})
        number = f"call-{len(self.asked)}^1"
        return web.json_response({"Code": "OK", "Message": "OK", "CallId": number, "RequestId": "r"})


def app(fake: FakeAliyun) -> web.Application:
    made = web.Application()
    made.router.add_route("*", "/{path:.*}", fake.handle)
    return made
