"""Simulates the used part of Vonage's Voice API: create, list, read and end calls; recordings."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.faults import respond_with_fault
from sandbox.telephone.model import Call, CallPlan, HookUrl
from sandbox.vonage.execution import start_outbound
from sandbox.vonage.network import EURO_PER_MINUTE, STATUS_WORDS, VonageNetwork, parse_stamp
from sandbox.vonage.shapes import CALL, CALL_NEEDS, Fields, ShapeError, check_fields, is_number

MAX_BODY = 64 * 1024
LIST_QUERY = frozenset(("status", "date_start", "date_end", "page_size", "record_index", "order", "conversation_uuid"))

Handler = Callable[[web.Request], Awaitable[web.Response]]


class ApiError(Exception):
    """An answer that is an error; `violates`: no sound client asks for it."""

    def __init__(self, status: int, kind: str, detail: str, *, violates: bool = True, **more: object) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.violates, self.more = status, kind, detail, violates, more

    def respond(self) -> web.Response:
        """The answer, as a problem document."""
        told = {
            "type": f"https://developer.vonage.com/api-errors#{self.kind}",
            "title": self.kind,
            "detail": self.detail,
        }
        return web.json_response(told | self.more, status=self.status)


class VonageRest:
    """Serves the API of one application."""

    def __init__(self, network: VonageNetwork) -> None:
        self.network = network
        self._created_at: list[float] = []

    def build_app(self) -> web.Application:
        """Build the routes, to be mounted in place of the API's host."""
        app = web.Application(client_max_size=MAX_BODY)
        routes: list[tuple[str, str, Handler]] = [
            ("POST", "/v1/calls", self.create_call),
            ("GET", "/v1/calls", self.list_calls),
            ("GET", "/v1/calls/{uuid}", self.fetch_call),
            ("PUT", "/v1/calls/{uuid}", self.update_call),
            ("GET", "/v1/files/{uuid}", self.fetch_file),
        ]
        for method, path, work in routes:
            app.router.add_route(method, path, self._wrap(work))
        return app

    def _wrap(self, work: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            async def respond() -> web.Response:
                try:
                    if fault := self.network.guard.find_fault(request.headers.get("Authorization", "")):
                        raise ApiError(401, "unauthorized", fault)
                    return await work(request)
                except ShapeError as error:
                    refused = ApiError(400, "invalid-request", str(error), invalid_parameters={error.where: str(error)})
                except ApiError as error:
                    refused = error
                if refused.violates:
                    self.network.violations.record(refused.status, request.path, refused.detail)
                return refused.respond()

            fault = self.network.faults.take(f"{request.method} {request.path}")
            if fault is None:
                return await respond()
            return await respond_with_fault(
                *fault, request, respond, lambda status, _: ApiError(status, "error", "", violates=False).respond()
            )

        return handle

    async def create_call(self, request: web.Request) -> web.Response:
        """POST a call: check everything, then ring in the background."""
        asked = await _read_object(request)
        check_fields(asked, CALL, CALL_NEEDS, "call")
        number = asked["to"][0]["number"]
        if not is_number(number):
            raise ApiError(400, "invalid-request", "to", invalid_parameters={"to": "is no number"})
        if f"+{asked['from']['number']}" != self.network.number:
            raise ApiError(403, "forbidden", "from is not a number of this application")
        self._check_rate()
        if f"+{number}" in self.network.refusals:
            raise ApiError(400, "invalid-request", "to", violates=False, invalid_parameters={"to": "cannot be called"})
        plan = CallPlan(
            url=HookUrl(asked["answer_url"][0]),
            status=HookUrl(asked["event_url"][0]) if "event_url" in asked else None,
            timeout=asked.get("ringing_timer", 60),
            machine_detection=asked.get("machine_detection", ""),
        )
        if asked.get("answer_method", "GET") != "POST":
            raise ApiError(400, "invalid-request", "the simulator answers by POST only")
        call = self.network.build_call(f"+{number}", self.network.number, "outbound-api", plan)
        start_outbound(self.network, call)
        told = {"uuid": call.sid, "status": "started", "direction": "outbound"}
        return web.json_response(told | {"conversation_uuid": self.network.conversations[call.sid]}, status=201)

    async def list_calls(self, request: web.Request) -> web.Response:
        """GET calls by time; there is no filter by number."""
        query = request.query
        if unknown := set(query) - LIST_QUERY:
            raise ApiError(400, "invalid-request", f"unknown parameters {sorted(unknown)}")
        size, index = (
            _parse_int(query.get("page_size", "10"), 1, 100),
            _parse_int(query.get("record_index", "0"), 0, 10**9),
        )
        since = parse_stamp(query["date_start"]) if "date_start" in query else None
        if ("date_start" in query and since is None) or query.get("order", "asc") not in ("asc", "desc"):
            raise ApiError(400, "invalid-request", "date_start or order")
        calls = [call for uuid, call in self.network.exchange.calls.items() if uuid in self.network.conversations]
        wanted = [call for call in calls if since is None or call.created_at >= since]
        if query.get("order") == "desc":
            wanted.reverse()
        shown = [self._render(call) for call in wanted[index : index + size]]
        told = {"count": len(wanted), "page_size": size, "record_index": index, "_links": {"self": {"href": "/calls"}}}
        return web.json_response(told | {"_embedded": {"calls": shown}})

    async def fetch_call(self, request: web.Request) -> web.Response:
        """GET one call."""
        return web.json_response(self._render(self._find(request)))

    async def update_call(self, request: web.Request) -> web.Response:
        """PUT one call: only `hangup`."""
        asked, call = await _read_object(request), self._find(request)
        check_fields(asked, {"action": lambda v: v == "hangup"}, ("action",), "update")
        if call.ended:
            raise ApiError(400, "invalid-request", "the call has ended", violates=False)
        self.network.exchange.end_call(call)
        return web.Response(status=204)

    async def fetch_file(self, request: web.Request) -> web.Response:
        """GET a recording."""
        if request.match_info["uuid"] not in self.network.exchange.recordings:
            raise ApiError(404, "not-found", request.path)
        return web.Response(body=b"ID3", content_type="audio/mpeg")

    # -- pieces

    def _check_rate(self) -> None:
        limit, now = self.network.calls_per_second, self.network.exchange.monotonic()
        if limit is not None:
            self._created_at = [at for at in self._created_at if at > now - 1]
            if len(self._created_at) >= limit:
                raise ApiError(429, "throttled", "too many calls a second")
            self._created_at.append(now)

    def _find(self, request: web.Request) -> Call:
        call = self.network.find_call(request.match_info["uuid"])
        if call is None:
            raise ApiError(404, "not-found", request.path, violates=False)
        return call

    def _render(self, call: Call) -> Fields:
        told: Fields = {
            "uuid": call.sid,
            "conversation_uuid": self.network.conversations[call.sid],
            "status": STATUS_WORDS[call.status],
            "to": {"type": "phone", "number": call.to.lstrip("+")},
            "from": {"type": "phone", "number": call.caller.lstrip("+")},
            "direction": "inbound" if call.direction == "inbound" else "outbound",
            "start_time": None,
            "duration": None,
        }
        if call.status == "completed" and call.start_at is not None:
            told |= {
                "start_time": call.start_at.isoformat(),
                "duration": str(call.seconds),
                "rate": f"{EURO_PER_MINUTE}",
                "price": f"{EURO_PER_MINUTE * call.seconds / 60:.4f}",
            }
        return told


async def _read_object(request: web.Request) -> Fields:
    try:
        body = await request.read()
        found = json.loads(body)
    except (ValueError, web.HTTPRequestEntityTooLarge):
        raise ApiError(400, "invalid-json", "no JSON, or too large") from None
    if request.content_type != "application/json" or not isinstance(found, dict):
        raise ApiError(400, "invalid-json", "not an object")
    return found


def _parse_int(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ApiError(400, "invalid-request", f"{text!r} is not between {least} and {most}")
    return int(text)
