"""A small Bot API server for the conformance tests: it keeps what it was sent and fails as it is told."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.faults import Violations
from sandbox.telegram.schema import METHODS, check_request

Failure = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: what is answered where it is no message
RESULTS: dict[str, Any] = {
    "getMe": {"id": 424242, "is_bot": True, "first_name": "bot", "username": "jiesu_bot"},
    "answerCallbackQuery": True,
    "deleteMessage": True,
    "setMyCommands": True,
}


@dataclass
class BotApiRequest:
    """One call of a method, with its form fields."""

    method: str
    fields: dict[str, Any]

    def list_labels(self) -> list[list[str]]:
        """The labels of the inline buttons, row by row."""
        markup = json.loads(self.fields.get("reply_markup") or "{}")
        return [[button["text"] for button in row] for row in markup.get("inline_keyboard", [])]


@dataclass
class FakeBotApi:
    """Answers like api.telegram.org; `failures` are given instead of the next answers, in order.

    A failure in `failures_after` is given once the request has been taken (and kept in `requests`).
    """

    requests: list[BotApiRequest] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    failures_after: list[Failure] = field(default_factory=list)
    download_failures: list[Failure] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    url: str = ""

    def build_app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 25)
        app.router.add_post("/bot{token}/{method}", self.handle)
        app.router.add_get("/file/bot{token}/docs/{ref}", self.download)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = dict((await request.post()).items())
        if self.failures:
            return await self.failures.pop(0)(request)
        method = request.match_info["method"]
        fields: dict[str, Any] = {}
        for name, value in form.items():
            fields[name] = value.file.read() if isinstance(value, web.FileField) else value
            if isinstance(value, web.FileField):
                fields["file_name"] = value.filename
        self.requests.append(BotApiRequest(method, fields))
        uploads = {name for name, value in form.items() if isinstance(value, web.FileField)}
        self._check(method, {name: value for name, value in form.items() if isinstance(value, str)}, uploads)
        if self.failures_after:
            return await self.failures_after.pop(0)(request)
        if method == "getFile":
            ref = fields["file_id"]
            return _answer({"file_id": ref, "file_unique_id": ref, "file_path": f"docs/{ref}"})
        if method in RESULTS:
            return _answer(RESULTS[method])
        chat_id = int(fields.get("chat_id", 1))
        return _answer(
            {
                "message_id": 100 + len(self.requests),
                "date": 1_790_000_000,
                "chat": {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup"},
                "text": fields.get("text"),
            }
        )

    def _check(self, method: str, values: dict[str, str], uploads: set[str]) -> None:
        attached = {value.removeprefix("attach://") for value in values.values()}
        found = check_request(method, values, uploads - attached)
        missing = [one for one, row in METHODS[method].items() if row.required and one not in values]
        for what in (*found.unknown, *found.wrong, *missing):
            Violations("telegram").record(400, method, what)

    async def download(self, request: web.Request) -> web.StreamResponse:
        if self.download_failures:
            return await self.download_failures.pop(0)(request)
        return web.Response(body=self.files[request.match_info["ref"]])

    def get_last(self) -> BotApiRequest:
        return self.requests[-1]


def _answer(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def refuse(status: int, description: str, **parameters: Any) -> Failure:
    """A refusal as the Bot API gives it, in JSON."""

    async def respond(request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
        if parameters:
            body["parameters"] = parameters
        return web.json_response(body, status=status)

    return respond


def respond_raw(status: int, body: str, content_type: str = "text/html") -> Failure:
    """A response that the Bot API itself does not give, as of a gateway in between."""

    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type=content_type)

    return respond
