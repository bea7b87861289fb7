"""Voice webhooks of a live carrier: signed, bounded, answered in time even with a slow database (FW1-FW13, FW24-FW30)."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode

import structlog
from aiohttp import web

from backend.calls.dialogue import Spoken
from backend.calls.service import Calls
from backend.domain.refusals import Refused, get_http_status
from backend.web.bodies import TooSlow, read_bytes
from notify.line import Line, LineEvent
from notify.message import Prompt

log = structlog.get_logger("phone")
BASE = "/hooks/twilio"
SIGNATURE = "X-Twilio-Signature"
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
ANSWER_SECONDS = 4.0  # FW10: then 请稍候 and the same step again
STATUS_SECONDS = 7.0  # FW11: the carrier gives up after 15 s, we after 8
MOST_WAITS = 3
#: Characters of speech passed through the carrier's URL while it waits; the URL must stay under 4 000 characters.
CARRIED_SPEECH = 200
#: Parameters of our own URLs: the step, how often we made the caller wait, and the input received meanwhile.
OURS = ("s", "w", "h")

Fields = list[tuple[str, str]]


class Addressed(Protocol):
    """backend/environment.py: this server's public address; signatures are checked against it (FW2)."""

    @property
    def address(self) -> str: ...


class PhoneHooks:
    """The routes. Never 429 (FW12), never 5xx because of the input; 503 only when a status could not be stored."""

    def __init__(self, calls: Calls, line: Line, address: str) -> None:
        self._calls = calls
        self._line = line
        self._address = address.rstrip("/")
        self.answer_seconds, self.status_seconds = ANSWER_SECONDS, STATUS_SECONDS
        self._busy: set[asyncio.Task[Any]] = set()
        say, language = calls.dependencies.texts.render, calls.dependencies.language
        self._wait = Prompt((say("phone.wait"),), pause=1, then="next", language=language)
        self._sorry = Prompt((say("phone.unavailable"),), language=language)

    def add_to(self, app: web.Application) -> None:
        """Add these routes."""
        doors: dict[str, Callable[[web.Request, Fields], Awaitable[web.Response]]] = {
            r"/voice/{dial:\d{1,18}}": self._voice,
            r"/status/{dial:\d{1,18}}": self._status,
            r"/record/{dial:\d{1,18}}": self._status,
            r"/announce/{dial:\d{1,18}}": self._announce,
            "/inbound": self._inbound,
            "/fallback": self._fallback,
        }
        for path, work in doors.items():
            handler = self._guarded(work)
            app.router.add_post(BASE + path, handler)
            app.router.add_get(BASE + path, handler, allow_head=False)

    def _guarded(
        self, work: Callable[[web.Request, Fields], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            try:
                fields = await self._fields(request)
                if not self._genuine(request, fields):
                    return web.Response(status=403)
                return await work(request, fields)
            except TooSlow:
                answer = web.Response(status=408)
                answer.force_close()
                return answer
            except Refused as refused:
                if refused.code == "not_found":
                    await self._stranger(request)
                return web.Response(status=get_http_status(refused.code))

        return handler

    # -- signature and fields

    @staticmethod
    async def _fields(request: web.Request) -> Fields:
        """Return the form's fields in order, with blanks and repeats (FW3). Refused `bad_request`, `too_large`."""
        if request.method == "GET":
            raw, content_type = request.rel_url.raw_query_string, FORM
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
        if content_type != FORM:
            raise Refused("bad_request")
        try:
            return parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Refused("bad_request") from None

    def _genuine(self, request: web.Request, fields: Fields) -> bool:
        signatures = request.headers.getall(SIGNATURE, [])
        if len(signatures) != 1:
            return False
        signed = [] if request.method == "GET" else fields
        return any(self._line.genuine(url=url, params=signed, signature=signatures[0]) for url in self._urls(request))

    def _urls(self, request: web.Request) -> Iterator[str]:
        """Yield the URLs that may have been signed, on the configured address: as received, then as we wrote it (FW2)."""
        raw = request.raw_path
        if not raw.startswith("/"):
            raw = "/" + raw.partition("://")[2].partition("/")[2]
        yield self._address + raw
        ours = [(name, request.query[name]) for name in OURS if name in request.query]
        yield self._address + request.path + ("?" + urlencode(ours) if ours else "")

    # -- the routes

    async def _voice(self, request: web.Request, fields: Fields) -> web.Response:
        attempt, step, waited = int(request.match_info["dial"]), _count(request, "s"), _count(request, "w")
        event = self._line.read(fields)
        if waited and not (event.digits or event.speech or event.recording_url):
            event = self._resumed(attempt, event, request.query.get("h", ""))
        spoken = await self._in_time(self._calls.answer(attempt, step, event), self.answer_seconds)
        if spoken is None:
            again: dict[str, str | int] = {"s": step, "w": waited + 1}
            if event.digits or event.speech or event.recording_url:
                again["h"] = self._carried(attempt, event)
            return self._hold(waited, f"{self._address}{BASE}/voice/{attempt}?{urlencode(again)}")
        return self._said(spoken)

    async def _announce(self, request: web.Request, fields: Fields) -> web.Response:
        """P3: tell the second leg who is calling; then both are joined, even if we could not answer in time."""
        said = await self._in_time(self._calls.build_announcement(int(request.match_info["dial"])), self.answer_seconds)
        return self._xml(said or replace(self._wait, then="join"), "")

    async def _inbound(self, request: web.Request, fields: Fields) -> web.Response:
        waited = _count(request, "w")
        event = self._line.read(fields)
        if not event.provider_id:
            raise Refused("bad_request")
        spoken = await self._in_time(self._calls.answer_inbound(event), self.answer_seconds)
        if spoken is None:
            return self._hold(waited, f"{self._address}{BASE}/inbound?w={waited + 1}")
        return self._said(spoken)

    async def _status(self, request: web.Request, fields: Fields) -> web.Response:
        attempt = int(request.match_info["dial"])
        kept = await self._in_time(self._kept(attempt, self._line.read(fields)), self.status_seconds)
        return web.Response(status=204 if kept else 503)

    async def _kept(self, attempt: int, event: LineEvent) -> bool:
        await self._calls.receive_status(attempt, event)
        return True

    async def _fallback(self, request: web.Request, fields: Fields) -> web.Response:
        """FW11: answered without using the database."""
        return self._xml(self._sorry, "")

    async def _stranger(self, request: web.Request) -> None:
        """FW24: record a validly signed request about an unknown call."""
        try:
            await self._in_time(self._calls.record_unknown_callback(request.path), self.answer_seconds)
        except Refused:  # pragma: no cover - the audit refuses nothing
            return

    # -- in time

    async def _in_time(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        """Return the work's result, None if it is slow or fails; slow work goes on. Refusals are raised."""
        task = asyncio.create_task(work)
        self._busy.add(task)
        task.add_done_callback(self._over)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            return None
        error = task.exception()
        if isinstance(error, Refused):
            raise error
        return None if error is not None else task.result()

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._busy.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Refused):
            log.error("not_answered", kind=type(error).__name__)

    def _hold(self, waited: int, url: str) -> web.Response:
        return self._xml(self._sorry, "") if waited >= MOST_WAITS else self._xml(self._wait, url)

    def _carried(self, attempt: int, event: LineEvent) -> str:
        said = [event.digits, event.speech[:CARRIED_SPEECH], event.confidence, event.recording_url]
        return self._calls.seal_param(attempt, json.dumps(said, ensure_ascii=False))

    def _resumed(self, attempt: int, event: LineEvent, sealed: str) -> LineEvent:
        """Return the event with the input from before the wait; input we did not seal is ignored."""
        try:
            digits, speech, confidence, recording = json.loads(self._calls.open_param(attempt, sealed))
        except ValueError:
            return event
        return replace(event, digits=digits, speech=speech, confidence=confidence, recording_url=recording)

    def _said(self, spoken: Spoken) -> web.Response:
        return self._xml(spoken.prompt, f"{self._address}{BASE}/voice/{spoken.attempt_id}?s={spoken.step}")

    def _xml(self, prompt: Prompt, next_url: str) -> web.Response:
        return web.Response(text=self._line.render(prompt, next_url=next_url), content_type="text/xml")


def _count(request: web.Request, name: str) -> int:
    said = request.query.get(name, "0")
    if not (said.isascii() and said.isdigit() and len(said) <= 4):
        raise Refused("not_found")
    return int(said)


def add_phone_hooks(app: web.Application, calls: Calls, line: Line, environment: Addressed) -> PhoneHooks:
    """Add the carrier's routes to an application."""
    hooks = PhoneHooks(calls, line, environment.address)
    hooks.add_to(app)
    return hooks
