"""Serves the simulated Bot API: /bot{token}/{method} and /file/bot{token}/{path}."""

import math
from typing import Any

from aiohttp import web

from sandbox.faults import respond_with_fault
from sandbox.telegram.arguments import Arguments
from sandbox.telegram.errors import BotApiError, bad_request
from sandbox.telegram.methods import BY_LOWER_NAME, HANDLERS
from sandbox.telegram.network import ChatNetwork
from sandbox.telegram.schema import METHODS, check_request

MAX_REQUEST = 52 * 1024 * 1024


class BotApi:
    """Serves one chat network to one bot."""

    def __init__(self, network: ChatNetwork) -> None:
        self.network = network
        network.updates.on_reply = self.execute_webhook_reply

    def build_app(self) -> web.Application:
        """Build the routes, to be mounted at the bot's API base URL."""
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self.handle_call)
        app.router.add_get("/file/bot{token}/{path:.+}", self.download)
        return app

    async def handle_call(self, request: web.Request) -> web.Response:
        """Handle one method call, with the planned fault if there is one."""
        if request.match_info["token"] != self.network.token:
            return web.json_response({"ok": False, "error_code": 401, "description": "Unauthorized"}, status=401)
        name = _find_name(request.match_info["method"])
        self.network.requests.append((self.network.monotonic(), name))

        async def respond() -> web.Response:
            return await self._respond(request, name)

        def build_error(status: int, seconds: float) -> web.Response:
            after = {"parameters": {"retry_after": math.ceil(seconds)}} if status == 429 else {}
            words = f"Too Many Requests: retry after {math.ceil(seconds)}" if after else "Internal Server Error"
            return web.json_response({"ok": False, "error_code": status, "description": words, **after}, status=status)

        fault = self.network.faults.take(name)
        if fault is not None:
            return await respond_with_fault(*fault, request, respond, build_error)
        return await respond()

    async def _respond(self, request: web.Request, name: str) -> web.Response:
        try:
            arguments = await Arguments.read(_raise_size_limit(request))
            return web.json_response({"ok": True, "result": await self._execute(name, arguments)})
        except BotApiError as error:
            self.network.record_refusal(name, error)
            return web.json_response(error.body(), status=error.code)

    async def _execute(self, name: str, args: Arguments) -> Any:
        """Check a call against the documented parameters and make it; what is unknown is ignored, but a violation."""
        if name not in HANDLERS:
            raise BotApiError(404, "Not Found", fault_of_bot=True)
        given = args.list_names()
        missing = sorted(one for one, row in METHODS[name].items() if row.required and one not in given)
        if missing:
            empty = {"text": "message text is empty", "chat_id": "chat_id is empty"}
            raise bad_request(empty.get(missing[0], f'parameter "{missing[0]}" is required'))
        found = check_request(name, args.values, given - set(args.values))
        if found.wrong:
            raise bad_request(f"can't parse parameters: {'; '.join(found.wrong)}")
        if found.unknown:
            self.network.violations.record(200, name, f"unknown parameters {sorted(found.unknown)}")
        return await HANDLERS[name](self.network, args)

    async def execute_webhook_reply(self, document: dict[str, Any]) -> None:
        """Execute a method call given as the answer to a webhook; its result is not sent to the bot."""
        values = {key: value for key, value in document.items() if key != "method" and value is not None}
        name = _find_name(str(document["method"]))
        try:
            await self._execute(name, Arguments(values))
        except BotApiError as error:
            self.network.record_refusal(name, error)

    async def download(self, request: web.Request) -> web.Response:
        """Serve a file by its getFile path."""
        if request.match_info["token"] != self.network.token:
            return web.json_response({"ok": False, "error_code": 401, "description": "Unauthorized"}, status=401)
        for kept, content in self.network.files.values():
            if kept.path == request.match_info["path"]:
                return web.Response(body=content, content_type="application/octet-stream")
        return web.json_response({"ok": False, "error_code": 404, "description": "Not Found"}, status=404)


def _find_name(given: str) -> str:
    """Return a method's name as documented; the server takes any case."""
    return BY_LOWER_NAME.get(given.lower(), given)


def _raise_size_limit(request: web.Request) -> web.Request:
    """Raise the request's size limit for file uploads; the enclosing application's is smaller."""
    return request.clone(client_max_size=MAX_REQUEST)
