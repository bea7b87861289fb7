"""A small Bot API server for the conformance tests: it keeps what it was sent and fails as it is told."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Failure = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Asked:
    method: str
    fields: dict[str, Any]


@dataclass
class FakeBotApi:
    """Answers like api.telegram.org; `fail` holds the answers to give instead of the next ones, in order.

    A failure in `fail_after` is given after the request has been taken (and kept in `asked`)."""

    asked: list[Asked] = field(default_factory=list)
    fail: list[Failure] = field(default_factory=list)
    fail_after: list[Failure] = field(default_factory=list)
    fail_download: list[Failure] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    base: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = dict((await request.post()).items())
        if self.fail:
            return await self.fail.pop(0)(request)
        method = request.match_info["method"]
        fields: dict[str, Any] = {}
        for name, value in form.items():
            fields[name] = value.file.read() if isinstance(value, web.FileField) else value
            if isinstance(value, web.FileField):
                fields["file_name"] = value.filename
        self.asked.append(Asked(method, fields))
        if self.fail_after:
            return await self.fail_after.pop(0)(request)
        if method == "getFile":
            ref = fields["file_id"]
            return ok({"file_id": ref, "file_unique_id": ref, "file_path": f"docs/{ref}"})
        chat = int(fields.get("chat_id", 1))
        return ok(
            {
                "message_id": 100 + len(self.asked),
                "date": 1_790_000_000,
                "chat": {"id": chat, "type": "private" if chat > 0 else "supergroup"},
                "text": fields.get("text"),
            }
        )

    async def download(self, request: web.Request) -> web.StreamResponse:
        if self.fail_download:
            return await self.fail_download.pop(0)(request)
        return web.Response(body=self.files[request.match_info["ref"]])

    def last(self) -> Asked:
        return self.asked[-1]


def ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def no(status: int, description: str, **parameters: Any) -> Failure:
    async def answer(request: web.Request) -> web.StreamResponse:
        said: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
        if parameters:
            said["parameters"] = parameters
        return web.json_response(said, status=status)

    return answer


def raw(status: int, body: str, content_type: str = "text/html") -> Failure:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type=content_type)

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silence(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


def app(api: FakeBotApi) -> web.Application:
    made = web.Application(client_max_size=1 << 25)
    made.router.add_post("/bot{token}/{method}", api.handle)
    made.router.add_get("/file/bot{token}/docs/{ref}", api.download)
    return made


def keys(asked: Asked) -> list[list[str]]:
    markup = json.loads(asked.fields.get("reply_markup") or "{}")
    return [[key["text"] for key in row] for row in markup.get("inline_keyboard", [])]
