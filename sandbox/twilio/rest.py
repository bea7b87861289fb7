"""Simulates the used part of Twilio's REST API: accounts, calls, messages, recordings."""

import base64
import io
import re
import wave
from collections.abc import Awaitable, Callable
from typing import Any

import phonenumbers
from aiohttp import web

from sandbox.faults import respond_with_fault
from sandbox.telephone.model import Call
from sandbox.twilio.errors import NOT_VIOLATIONS, TwilioError
from sandbox.twilio.forms import check_parameters, get_text, matches_start_time, parse_call_plan, parse_hook
from sandbox.twilio.network import PhoneNetwork
from sandbox.twilio.serializers import serialize_call, serialize_sms

E164 = re.compile(r"\+[1-9]\d{1,14}")
BASE = "/2010-04-01/Accounts/{account}"
RECORDING = "/Recordings/{sid:RE[0-9a-f]+}{kind:(\\.json|\\.wav|\\.mp3|)}"
MAX_SMS, MAX_PAGE = 1600, 1000
SAMPLE_RATE = 8000

Handler = Callable[[web.Request], Awaitable[web.Response]]


class TwilioRest:
    """Serves the REST API of one phone network's account."""

    def __init__(self, network: PhoneNetwork) -> None:
        self.network = network
        self._created_at: list[float] = []

    def build_app(self) -> web.Application:
        """Build the routes, to be mounted in place of Twilio's API host."""
        app = web.Application()
        routes: list[tuple[str, str, str, Handler]] = [
            ("GET", BASE + ".json", "FetchAccount", self.fetch_account),
            ("POST", BASE + "/Calls.json", "CreateCall", self.create_call),
            ("GET", BASE + "/Calls.json", "ListCall", self.list_calls),
            ("GET", BASE + "/Calls/{sid}.json", "FetchCall", self.fetch_call),
            ("POST", BASE + "/Calls/{sid}.json", "UpdateCall", self.update_call),
            ("POST", BASE + "/Messages.json", "CreateMessage", self.create_message),
            ("GET", BASE + "/Messages.json", "ListMessage", self.list_messages),
            ("GET", BASE + RECORDING, "FetchRecording", self.fetch_recording),
        ]
        for method, path, operation, work in routes:
            app.router.add_route(method, path, self._wrap(operation, work))
        return app

    def _wrap(self, operation: str, work: "Handler") -> "Handler":
        async def gated(request: web.Request) -> web.Response:
            return await self._handle(request, operation, work)

        return gated

    async def _handle(self, request: web.Request, operation: str, handler: Handler) -> web.Response:
        """Apply authentication, the documented parameters, planned faults and error responses, the same everywhere."""
        self.network.requests.append((self.network.monotonic(), operation))
        fault = self.network.faults.take(f"{request.method} {request.path}")

        async def respond() -> web.Response:
            try:
                self._authenticate(request)
                given = (await request.post()) if request.method == "POST" else request.query
                if unknown := check_parameters(operation, given):
                    self.network.violations.record(200, operation, f"unknown parameters {unknown}")
                return await handler(request)
            except TwilioError as error:
                if error.code not in NOT_VIOLATIONS and error.code not in self.network.refusals.values():
                    self.network.violations.record(error.code, request.path, error.message)
                return error.response()

        def build_error(status: int, seconds: float) -> web.Response:
            return TwilioError({429: 20429, 503: 20503}.get(status, 20500)).response()

        if fault is not None:
            return await respond_with_fault(*fault, request, respond, build_error)
        return await respond()

    def _authenticate(self, request: web.Request) -> None:
        expected = base64.b64encode(f"{self.network.sid}:{self.network.token}".encode()).decode()
        account = request.match_info.get("account", "")
        if request.headers.get("Authorization") != f"Basic {expected}" or account != self.network.sid:
            raise TwilioError(20003)

    # --- routes

    async def fetch_account(self, request: web.Request) -> web.Response:
        """GET the account, for `jiesu doctor`."""
        sid = self.network.sid
        facts = {"sid": sid, "owner_account_sid": sid, "friendly_name": "sandbox", "status": "active", "type": "Full"}
        return web.json_response(facts | {"uri": f"/2010-04-01/Accounts/{sid}.json", "auth_token": "", **_DATES})

    async def create_call(self, request: web.Request) -> web.Response:
        """POST Calls: check the form, then start the call in the background."""
        form = await request.post()
        to, caller = get_text(form, "To"), get_text(form, "From")
        if not to:
            raise TwilioError(21201)
        if not caller:
            raise TwilioError(21213)
        self._check_number(to, 21211)
        self._check_number(caller, 21212)
        if caller != self.network.own_number:
            raise TwilioError(21210, caller)
        plan = parse_call_plan(form)
        self._check_rate()
        if to in self.network.refusals:
            raise TwilioError(self.network.refusals[to], to)
        call = self.network.create_call(to, caller, plan)
        return web.json_response(serialize_call(self.network.sid, call) | {"status": "queued"}, status=201)

    async def list_calls(self, request: web.Request) -> web.Response:
        """GET Calls, newest first, by To, From, Status and StartTime."""
        query = request.query
        wanted = [
            call
            for call in reversed(self.network.calls.values())
            if call.sid.startswith("CA")  # other carriers ring the same telephones
            and query.get("To") in (None, call.to)
            and query.get("From") in (None, call.caller)
            and query.get("Status") in (None, call.status)
            and query.get("ParentCallSid") in (None, call.parent_sid)
            and matches_start_time(call, query)
        ]
        return web.json_response(
            self._build_page(request, "calls", [serialize_call(self.network.sid, call) for call in wanted])
        )

    async def fetch_call(self, request: web.Request) -> web.Response:
        """GET one call."""
        return web.json_response(serialize_call(self.network.sid, self._find_call(request)))

    async def update_call(self, request: web.Request) -> web.Response:
        """POST one call: Status=canceled or completed ends it."""
        call = self._find_call(request)
        status = get_text(await request.post(), "Status")
        if status not in ("canceled", "completed"):
            raise TwilioError(20001, f"Status {status}")
        if call.ended:
            raise TwilioError(21220, call.sid)
        if status == "completed" or call.status in ("queued", "ringing"):
            self.network.end_call(call)
        return web.json_response(serialize_call(self.network.sid, call))

    async def create_message(self, request: web.Request) -> web.Response:
        """POST Messages: send one SMS."""
        form = await request.post()
        to, sender, body = get_text(form, "To"), get_text(form, "From"), get_text(form, "Body")
        for given, code in ((to, 21604), (sender, 21603), (body, 21602)):
            if not given:
                raise TwilioError(code)
        self._check_number(to, 21211)
        if sender != self.network.own_number:
            raise TwilioError(21606, sender)
        if len(body) > MAX_SMS:
            raise TwilioError(21617)
        if to in self.network.refusals:
            raise TwilioError(self.network.refusals[to], to)
        sms = self.network.send_sms(to, sender, body, parse_hook(form, "StatusCallback", "StatusCallbackMethod"))
        return web.json_response(serialize_sms(self.network.sid, sms) | {"status": "queued"}, status=201)

    async def list_messages(self, request: web.Request) -> web.Response:
        """GET Messages, newest first, by To."""
        wanted = [one for one in reversed(self.network.messages) if request.query.get("To") in (None, one.to)]
        return web.json_response(
            self._build_page(request, "messages", [serialize_sms(self.network.sid, one) for one in wanted])
        )

    async def fetch_recording(self, request: web.Request) -> web.Response:
        """GET a recording as JSON, or as sound: silence of the right length."""
        recording = self.network.recordings.get(request.match_info["sid"])
        if recording is None:
            raise TwilioError(20404, request.path)
        if request.match_info["kind"] == ".json":
            facts = {
                "sid": recording.sid,
                "call_sid": recording.call_sid,
                "duration": str(recording.seconds),
                "status": "completed",
            }
            return web.json_response(facts | {"account_sid": self.network.sid, "channels": 1})
        return web.Response(body=build_silence(recording.seconds), content_type="audio/x-wav")

    # --- pieces

    def _check_number(self, number: str, code: int) -> None:
        if not E164.fullmatch(number):
            raise TwilioError(code, number)
        try:
            possible = phonenumbers.is_possible_number(phonenumbers.parse(number))
        except phonenumbers.NumberParseException:
            possible = False
        if not possible:
            raise TwilioError(code, number)

    def _check_rate(self) -> None:
        limit, now = self.network.calls_per_second, self.network.monotonic()
        if limit is not None:
            self._created_at = [at for at in self._created_at if at > now - 1]
            if len(self._created_at) >= limit:
                raise TwilioError(20429)
            self._created_at.append(now)

    def _find_call(self, request: web.Request) -> Call:
        call = self.network.calls.get(request.match_info["sid"])
        if call is None:
            raise TwilioError(20404, request.path)
        return call

    def _build_page(self, request: web.Request, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        try:
            size, page = int(request.query.get("PageSize", 50)), int(request.query.get("Page", 0))
        except ValueError:
            raise TwilioError(20001, "PageSize") from None
        size = min(max(1, size), MAX_PAGE)
        path = f"/2010-04-01/Accounts/{self.network.sid}/{name.capitalize()}.json"
        onward = {**request.query, "PageSize": str(size), "Page": str(page + 1)}
        more = str(request.rel_url.with_path(path).with_query(onward)) if len(rows) > size * (page + 1) else None
        return {
            name: rows[size * page : size * (page + 1)], "page": page, "page_size": size, "start": size * page,
            "end": min(len(rows), size * (page + 1)) - 1, "uri": path, "first_page_uri": path,
            "next_page_uri": more, "previous_page_uri": None,
        }  # fmt: skip


_DATES = {"date_created": "Thu, 01 Jan 2026 00:00:00 +0000", "date_updated": "Thu, 01 Jan 2026 00:00:00 +0000"}


def build_silence(seconds: int) -> bytes:
    """Build a playable WAV of silence."""
    kept = io.BytesIO()
    with wave.open(kept, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(b"\x80" * SAMPLE_RATE * seconds)
    return kept.getvalue()
