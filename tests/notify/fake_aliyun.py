"""A small voice service like the Chinese ones: RPC forms in, JSON out; it keeps what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class FakeAliyun:
    """`answers` are given instead of the next ones; `details` is what it reports of a call, by the call's id."""

    requests: list[Mapping[str, str]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def build_app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = {**request.query, **{k: str(v) for k, v in (await request.post()).items()}}
        action = form.get("Action") or request.headers.get("x-acs-action", "")
        self.requests.append({**form, "Action": action})
        if self.answers:
            answer = self.answers.pop(0)
            if callable(answer):  # a fault of the network
                return await answer(request)
            return web.json_response(answer, status=answer.get("status", 200))
        if action == "QueryCallDetailByCallId":
            data = self.details.get(form.get("CallId", ""), "")
            return web.json_response({"Code": "OK", "Message": "OK", "Data": data, "RequestId": "r"})
        call_id = f"call-{len(self.requests)}^1"
        return web.json_response({"Code": "OK", "Message": "OK", "CallId": call_id, "RequestId": "r"})
