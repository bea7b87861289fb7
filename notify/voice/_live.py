"""Webhooks of any live carrier: verified by it, answered in time even with a slow database (FW1-FW13, FW24-FW30)."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlencode

from notify.carrier import CallEvent, Spoken, VoiceHost
from notify.driver import HookRefused, HookRequest, HookResponse, Route
from notify.in_time import InTime
from notify.message import Prompt

ANSWER_SECONDS = 4.0  # FW10: then 请稍候 and the same step again
STATUS_SECONDS = 7.0  # FW11: the carrier gives up after 15 s, we after 8
MAX_WAITS = 3
#: Characters of speech passed through the carrier's URL while it waits; the URL must stay under 4 000 characters.
MAX_SPEECH_CHARS = 200
#: Parameters of our own URLs: the step, how often we made the caller wait, and the input received meanwhile.
OWN_PARAMS = ("s", "w", "h")

Handler = Callable[[HookRequest], Awaitable[HookResponse]]


class LiveWire(Protocol):
    """What live carriers do each in their own way."""

    name: str

    def open(self, request: HookRequest) -> CallEvent:
        """Verify and read a request. Raises HookRefused: 400 unreadable, 403 not theirs; never anything else."""
        ...

    def respond(self, prompt: Prompt, next_url: str) -> HookResponse:
        """Render the prompt in the carrier's format; speakable whatever the text holds (FW13)."""
        ...


class LiveHooks:
    """The routes. Never 429 (FW12), never 5xx because of the input; 503 only when a status could not be stored."""

    def __init__(self, wire: LiveWire, host: VoiceHost, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._wire, self._host = wire, host
        self._base = f"{host.address}/hooks/{wire.name}"
        self._in_time = InTime(host)
        self.answer_seconds, self.status_seconds = answer_seconds, STATUS_SECONDS

    def list_routes(self, methods: Sequence[str] = ("POST", "GET")) -> list[Route]:
        """Return the routes, each for these methods."""
        handlers: Mapping[str, Callable[[HookRequest, CallEvent], Awaitable[HookResponse]]] = {
            r"/voice/{dial:\d{1,18}}": self.receive_voice,
            r"/status/{dial:\d{1,18}}": self._receive_status,
            r"/record/{dial:\d{1,18}}": self._receive_status,
            r"/announce/{dial:\d{1,18}}": self._receive_announce,
            "/inbound": self._receive_inbound,
            "/fallback": self._receive_fallback,
            "/alarm/{cause:[a-z_]{1,40}}": self._receive_alarm,
            "/alarm-status": self._receive_alarm_status,
        }
        return [Route(method, path, self.wrap(handler)) for path, handler in handlers.items() for method in methods]

    def wrap(self, handler: Callable[[HookRequest, CallEvent], Awaitable[HookResponse]]) -> Handler:
        """Return a handler that verifies first; 404 is recorded (FW24)."""

        async def handle(request: HookRequest) -> HookResponse:
            try:
                event = self._wire.open(request)
            except HookRefused as refused:
                return HookResponse(refused.status)
            try:
                return await handler(request, event)
            except HookRefused as refused:
                if refused.status == 404:  # FW24: a genuine request about an unknown call
                    await self._in_time.run(self._host.record_unknown(request.path), self.answer_seconds)
                return HookResponse(refused.status)

        return handle

    # -- the routes

    async def receive_voice(self, request: HookRequest, event: CallEvent) -> HookResponse:
        """Say what comes next in a call."""
        attempt_id, step, waited = _get_attempt(request), _parse_count(request, "s"), _parse_count(request, "w")
        if waited and not (event.digits or event.speech or event.recording_url):
            event = self._open_input(attempt_id, event, request.get_param("h"))
        spoken = await self._in_time.run(self._host.answer(attempt_id, step, event), self.answer_seconds)
        if spoken is None:
            again: dict[str, str | int] = {"s": step, "w": waited + 1}
            if event.digits or event.speech or event.recording_url:
                again["h"] = self._seal_input(attempt_id, event)
            return self._respond_wait(waited, f"{self._base}/voice/{attempt_id}?{urlencode(again)}")
        return self._respond(spoken)

    async def _receive_announce(self, request: HookRequest, event: CallEvent) -> HookResponse:
        """P3: tell the second leg who is calling; then both are joined, even if we could not answer in time."""
        prompt = await self._in_time.run(self._host.announce(_get_attempt(request)), self.answer_seconds)
        return self._wire.respond(prompt or replace(self._host.wait_prompt, then="join"), "")

    async def _receive_inbound(self, request: HookRequest, event: CallEvent) -> HookResponse:
        waited = _parse_count(request, "w")
        if not event.provider_id:
            raise HookRefused(400)
        spoken = await self._in_time.run(self._host.answer_inbound(event), self.answer_seconds)
        if spoken is None:
            return self._respond_wait(waited, f"{self._base}/inbound?w={waited + 1}")
        return self._respond(spoken)

    async def _receive_status(self, request: HookRequest, event: CallEvent) -> HookResponse:
        work = self._host.receive_status(_get_attempt(request), event)
        stored = await self._in_time.store(work, self.status_seconds)
        return HookResponse(204 if stored else 503)

    async def _receive_fallback(self, request: HookRequest, event: CallEvent) -> HookResponse:
        """FW11: answered without using the database."""
        return self._wire.respond(self._host.unavailable_prompt, "")

    async def _receive_alarm(self, request: HookRequest, event: CallEvent) -> HookResponse:
        """What is said about an alarm; answered without using the database, which may be what is amiss (XR8)."""
        return self._wire.respond(self._host.build_alarm(request.parts["cause"]), "")

    async def _receive_alarm_status(self, request: HookRequest, event: CallEvent) -> HookResponse:
        """How a call about an alarm went is not kept."""
        return HookResponse(204)

    # -- what is said

    def _respond(self, spoken: Spoken) -> HookResponse:
        return self._wire.respond(spoken.prompt, f"{self._base}/voice/{spoken.attempt_id}?s={spoken.step}")

    def _respond_wait(self, waited: int, url: str) -> HookResponse:
        if waited >= MAX_WAITS:
            return self._wire.respond(self._host.unavailable_prompt, "")
        return self._wire.respond(self._host.wait_prompt, url)

    def _seal_input(self, attempt_id: int, event: CallEvent) -> str:
        values = [event.digits, event.speech[:MAX_SPEECH_CHARS], event.confidence, event.recording_url]
        return self._host.seal(attempt_id, json.dumps(values, ensure_ascii=False))

    def _open_input(self, attempt_id: int, event: CallEvent, sealed: str) -> CallEvent:
        """Return the event with the input from before the wait; input we did not seal is ignored."""
        try:
            digits, speech, confidence, recording = json.loads(self._host.open_seal(attempt_id, sealed))
        except ValueError:
            return event
        return replace(event, digits=digits, speech=speech, confidence=confidence, recording_url=recording)


def _get_attempt(request: HookRequest) -> int:
    return int(request.parts["dial"])


def _parse_count(request: HookRequest, name: str) -> int:
    text = request.get_param(name) or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise HookRefused(404)
    return int(text)
