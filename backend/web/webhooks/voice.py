"""Voice webhooks of a live carrier: signed, bounded, answered in time even with a slow database (FW1-FW13, FW24-FW30)."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import structlog
from aiohttp import web

from backend.calls.dialogue import Spoken
from backend.calls.service import Calls
from backend.domain.refusals import Refused, get_http_status
from backend.operations.alarm_calls import build_alarm_prompt
from backend.ports.availability import Unavailable
from backend.web.body import BodyTimeout, read_bytes
from notify.carrier import CallEvent, VoiceCarrier
from notify.message import Prompt

log = structlog.get_logger("phone")
BASE_PATH = "/hooks/twilio"
SIGNATURE_HEADER = "X-Twilio-Signature"
FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 200
ANSWER_SECONDS = 4.0  # FW10: then 请稍候 and the same step again
STATUS_SECONDS = 7.0  # FW11: the carrier gives up after 15 s, we after 8
MAX_WAITS = 3
#: Characters of speech passed through the carrier's URL while it waits; the URL must stay under 4 000 characters.
MAX_SPEECH_CHARS = 200
#: Parameters of our own URLs: the step, how often we made the caller wait, and the input received meanwhile.
OWN_PARAMS = ("s", "w", "h")

Fields = list[tuple[str, str]]


class PhoneHooks:
    """The routes. Never 429 (FW12), never 5xx because of the input; 503 only when a status could not be stored."""

    def __init__(
        self, calls: Calls, carrier: VoiceCarrier, address: str, is_open: Callable[[], bool] = lambda: True
    ) -> None:
        self._calls = calls
        self._carrier = carrier
        self.is_open = is_open  # whether this process may work (FD12)
        self._address = address.rstrip("/")
        self.answer_seconds, self.status_seconds = ANSWER_SECONDS, STATUS_SECONDS
        self._tasks: set[asyncio.Task[Any]] = set()

    def add_routes(self, app: web.Application) -> None:
        """Add these routes."""
        handlers: dict[str, Callable[[web.Request, Fields], Awaitable[web.Response]]] = {
            r"/voice/{dial:\d{1,18}}": self._receive_voice,
            r"/status/{dial:\d{1,18}}": self._receive_call_status,
            r"/record/{dial:\d{1,18}}": self._receive_call_status,
            r"/announce/{dial:\d{1,18}}": self._receive_announce,
            "/inbound": self._receive_inbound,
            "/fallback": self._receive_fallback,
        }
        self._add_all(app, handlers)
        self.add_alarm_routes(app)

    def add_alarm_routes(self, app: web.Application) -> None:
        """Add only the routes of calls about alarms: all that a carrier needs which rings when the usual one fails."""
        self._add_all(
            app, {"/alarm/{cause:[a-z_]{1,40}}": self._receive_alarm, "/alarm-status": self._receive_alarm_status}
        )

    def _add_all(
        self, app: web.Application, handlers: Mapping[str, Callable[[web.Request, Fields], Awaitable[web.Response]]]
    ) -> None:
        for path, handler_method in handlers.items():
            handler = self._wrap(handler_method)
            app.router.add_post(BASE_PATH + path, handler)
            app.router.add_get(BASE_PATH + path, handler, allow_head=False)

    def _wrap(
        self, handler_method: Callable[[web.Request, Fields], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            try:
                fields = await self._read_fields(request)
                if not self._is_genuine(request, fields):
                    return web.Response(status=403)
                return await handler_method(request, fields)
            except BodyTimeout:
                answer = web.Response(status=408)
                answer.force_close()
                return answer
            except Refused as refused:
                if refused.code == "not_found":
                    await self._record_unknown(request)
                return web.Response(status=get_http_status(refused.code))

        return handler

    # -- signature and fields

    @staticmethod
    async def _read_fields(request: web.Request) -> Fields:
        """Return the form's fields in order, with blanks and repeats (FW3). Refused `bad_request`, `too_large`."""
        if request.method == "GET":
            raw, content_type = request.rel_url.raw_query_string, FORM_TYPE
        else:
            try:
                charset = request.charset
            except ValueError:
                raise Refused("bad_request") from None
            if charset is not None and charset.lower() not in ("utf-8", "utf8"):
                raise Refused("bad_request")
            content_type = request.content_type
            body = await read_bytes(request)
            if not body:
                return []
            try:
                raw = body.decode("utf-8")
            except UnicodeDecodeError:
                raise Refused("bad_request") from None
        if content_type != FORM_TYPE:
            raise Refused("bad_request")
        try:
            return parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Refused("bad_request") from None

    def _is_genuine(self, request: web.Request, fields: Fields) -> bool:
        signatures = request.headers.getall(SIGNATURE_HEADER, [])
        if len(signatures) != 1:
            return False
        signed = [] if request.method == "GET" else fields
        return any(
            self._carrier.is_genuine(url=url, params=signed, signature=signatures[0])
            for url in self._signed_urls(request)
        )

    def _signed_urls(self, request: web.Request) -> Iterator[str]:
        """Yield the URLs that may have been signed, on the configured address: as received, then as we wrote it (FW2).

        Nobody adds to what was signed: one parameter given twice leaves none, one we did not write only the first (G16).
        """
        given = set(request.query)
        if len(given) != len(request.query):
            return
        raw = request.raw_path
        if not raw.startswith("/"):
            raw = "/" + raw.partition("://")[2].partition("/")[2]
        yield self._address + raw
        if request.method == "POST" and given <= set(OWN_PARAMS):
            ours = [(name, request.query[name]) for name in OWN_PARAMS if name in request.query]
            yield self._address + request.path + ("?" + urlencode(ours) if ours else "")

    # -- the routes

    async def _receive_voice(self, request: web.Request, fields: Fields) -> web.Response:
        attempt_id, step, waited = (
            int(request.match_info["dial"]),
            _parse_count(request, "s"),
            _parse_count(request, "w"),
        )
        event = self._carrier.read(fields)
        if waited and not (event.digits or event.speech or event.recording_url):
            event = self._open_input(attempt_id, event, request.query.get("h", ""))
        spoken = await self._run_in_time(self._calls.answer(attempt_id, step, event), self.answer_seconds)
        if spoken is None:
            again: dict[str, str | int] = {"s": step, "w": waited + 1}
            if event.digits or event.speech or event.recording_url:
                again["h"] = self._seal_input(attempt_id, event)
            return self._respond_wait(waited, f"{self._address}{BASE_PATH}/voice/{attempt_id}?{urlencode(again)}")
        return self._respond_prompt(spoken)

    async def _receive_announce(self, request: web.Request, fields: Fields) -> web.Response:
        """P3: tell the second leg who is calling; then both are joined, even if we could not answer in time."""
        prompt = await self._run_in_time(
            self._calls.build_announcement(int(request.match_info["dial"])), self.answer_seconds
        )
        return self._respond_xml(prompt or replace(self._calls.wait_prompt, then="join"), "")

    async def _receive_inbound(self, request: web.Request, fields: Fields) -> web.Response:
        waited = _parse_count(request, "w")
        event = self._carrier.read(fields)
        if not event.provider_id:
            raise Refused("bad_request")
        spoken = await self._run_in_time(self._calls.answer_inbound(event), self.answer_seconds)
        if spoken is None:
            return self._respond_wait(waited, f"{self._address}{BASE_PATH}/inbound?w={waited + 1}")
        return self._respond_prompt(spoken)

    async def _receive_call_status(self, request: web.Request, fields: Fields) -> web.Response:
        attempt_id = int(request.match_info["dial"])
        stored = await self._run_in_time(
            self._store_status(attempt_id, self._carrier.read(fields)), self.status_seconds
        )
        return web.Response(status=204 if stored else 503)

    async def _store_status(self, attempt_id: int, event: CallEvent) -> bool:
        await self._calls.receive_status(attempt_id, event)
        return True

    async def _receive_fallback(self, request: web.Request, fields: Fields) -> web.Response:
        """FW11: answered without using the database."""
        return self._respond_xml(self._calls.unavailable_prompt, "")

    async def _receive_alarm(self, request: web.Request, fields: Fields) -> web.Response:
        """What is said about an alarm; answered without using the database, which may be what is amiss (XR8)."""
        tools = self._calls.dependencies
        prompt = build_alarm_prompt(tools.texts, tools.hotline_name, request.match_info["cause"])
        return self._respond_xml(prompt, "")

    @staticmethod
    async def _receive_alarm_status(request: web.Request, fields: Fields) -> web.Response:
        """How a call about an alarm went is not kept."""
        return web.Response(status=204)

    async def _record_unknown(self, request: web.Request) -> None:
        """FW24: record a validly signed request about an unknown call."""
        try:
            await self._run_in_time(self._calls.record_unknown_callback(request.path), self.answer_seconds)
        except Refused:  # pragma: no cover - the audit refuses nothing
            return

    # -- in time

    async def _run_in_time(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        """Return the work's result, None if it is slow, fails or may not be done now; slow work goes on.

        Refusals are raised.
        """
        if not self.is_open():  # said as for a database that is away: the carrier asks again, maybe another process
            work.close()
            return None
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish_task)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            return None
        error = task.exception()
        if isinstance(error, Refused):
            raise error
        return None if error is not None else task.result()

    def _finish_task(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Refused | Unavailable):
            log.error("not_answered", kind=type(error).__name__)

    def _respond_wait(self, waited: int, url: str) -> web.Response:
        return (
            self._respond_xml(self._calls.unavailable_prompt, "")
            if waited >= MAX_WAITS
            else self._respond_xml(self._calls.wait_prompt, url)
        )

    def _seal_input(self, attempt_id: int, event: CallEvent) -> str:
        values = [event.digits, event.speech[:MAX_SPEECH_CHARS], event.confidence, event.recording_url]
        return self._calls.seal_param(attempt_id, json.dumps(values, ensure_ascii=False))

    def _open_input(self, attempt_id: int, event: CallEvent, sealed: str) -> CallEvent:
        """Return the event with the input from before the wait; input we did not seal is ignored."""
        try:
            digits, speech, confidence, recording = json.loads(self._calls.open_param(attempt_id, sealed))
        except ValueError:
            return event
        return replace(event, digits=digits, speech=speech, confidence=confidence, recording_url=recording)

    def _respond_prompt(self, spoken: Spoken) -> web.Response:
        return self._respond_xml(spoken.prompt, f"{self._address}{BASE_PATH}/voice/{spoken.attempt_id}?s={spoken.step}")

    def _respond_xml(self, prompt: Prompt, next_url: str) -> web.Response:
        return web.Response(text=self._carrier.render(prompt, next_url=next_url), content_type="text/xml")


def _parse_count(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Refused("not_found")
    return int(text)
