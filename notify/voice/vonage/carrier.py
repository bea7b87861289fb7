"""Vonage as a voice carrier: it places our calls and asks us, live, what to say next."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from notify.carrier import (
    AnswerDetection,
    CallEvent,
    CallStatus,
    CallUrls,
    FoundCall,
    Menu,
    PlacedCall,
    VoiceCapabilities,
    VoiceCarrier,
    VoiceHost,
)
from notify.channel import DeliveryError, Settings
from notify.driver import Check, Health, HookRequest, HookResponse, Route
from notify.message import Prompt
from notify.rate_limit import Bucket
from notify.voice._live import LiveHooks
from notify.voice.vonage.api import REQUEST_SECONDS, VonageApi
from notify.voice.vonage.events import (
    ANSWERERS,
    STATUSES,
    Fields,
    parse_body,
    parse_count,
    parse_event,
    read_cost,
    read_text,
)
from notify.voice.vonage.ncco import NccoWriter
from notify.voice.vonage.tokens import ApplicationToken, WebhookToken, load_key

NAME = "vonage"
#: calls a second that an account may place unless it was granted more
CALLS_PER_SECOND = 3.0
#: seconds within which an answer must leave: the carrier reads for three
ANSWER_SECONDS = 2.5
SPEECH_LANGUAGE = "cmn-Hans-CN"
#: calls a page, pages looked through for a number
PAGE_SIZE, MAX_PAGES = 100, 10


class VonageCarrier:
    """A `VoiceCarrier` over the Voice API. `now` gives seconds since 1970."""

    name = NAME
    can = VoiceCapabilities(
        live=True, speech=True, record=True, bridge=True, detect_machine=True, invalid_number=frozenset(("invalid_to",))
    )

    def __init__(
        self,
        application: str,
        private_key: str,
        secret: str,
        number: str,
        *,
        api_url: str = "",
        allow: str = "",
        calls_per_second: float = CALLS_PER_SECOND,
        speech_language: str = SPEECH_LANGUAGE,
        request_seconds: float = REQUEST_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Raises DriverRefused for a key that is none."""
        self.number = number
        self.application = application
        token = ApplicationToken(application, load_key(private_key), now)
        self._api = VonageApi(api_url, token.sign, allow=allow, seconds=request_seconds)
        self._token = WebhookToken(application, secret, now)
        self._writer = NccoWriter(speech_language)
        self._bucket = Bucket("phone.caller", rate=calls_per_second, per_seconds=1.0)

    def buckets(self, caller: str) -> tuple[Bucket, ...]:
        return (self._bucket.for_subject(NAME),)

    async def place(
        self,
        to: str,
        *,
        caller: str,
        urls: CallUrls,
        ring_seconds: int = 30,
        detect: AnswerDetection = AnswerDetection.OFF,
        menu: Menu | None = None,
    ) -> PlacedCall:
        asked: Fields = {
            "to": [{"type": "phone", "number": to.lstrip("+")}],
            "from": {"type": "phone", "number": caller.lstrip("+")},
            "answer_url": [self._token.mark(urls.answer)],
            "answer_method": "POST",
            "event_url": [self._token.mark(urls.status)],
            "event_method": "POST",
            "ringing_timer": ring_seconds,
        }
        if detect is not AnswerDetection.OFF:  # a bridge must never connect anybody to a voicemail box
            asked["machine_detection"] = "hangup" if detect is AnswerDetection.FIRST else "continue"
        found = await self._api.request("POST", "/v1/calls", body=asked)
        uuid = found.get("uuid")
        if not isinstance(uuid, str) or not uuid:
            raise DeliveryError("ambiguous", "unreadable", "an accepted call without an id")
        return PlacedCall(uuid)

    async def find(self, *, to: str, since: datetime, provider_id: str = "") -> list[FoundCall]:
        if since.tzinfo is None:
            raise ValueError("since must be aware")
        if provider_id:
            try:
                found = [await self._api.request("GET", f"/v1/calls/{quote(provider_id, safe='')}")]
            except DeliveryError as error:
                if error.code in ("http_404", "not-found"):
                    return []
                raise
        else:
            found = await self._list_since(since)
        return [_to_found_call(one) for one in found if _get_number(one, "to") == to]

    async def _list_since(self, since: datetime) -> list[Fields]:
        """Return all calls since then, newest first. The API knows no filter by number: too many raise `transient`."""
        query = {
            "date_start": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "page_size": str(PAGE_SIZE),
            "order": "desc",
        }
        found: list[Fields] = []
        for page in range(MAX_PAGES):
            answer = await self._api.request("GET", "/v1/calls", query={**query, "record_index": str(page * PAGE_SIZE)})
            embedded = answer.get("_embedded")
            calls = embedded.get("calls") if isinstance(embedded, dict) else None
            if not isinstance(calls, list):
                raise DeliveryError("transient", "unreadable", "a list of calls without calls")
            found += [one for one in calls if isinstance(one, dict)]
            if len(calls) < PAGE_SIZE:
                return found
        raise DeliveryError("transient", "too_many", "more calls than can be looked through")

    async def hang_up(self, provider_id: str) -> None:
        try:
            await self._api.request("PUT", f"/v1/calls/{quote(provider_id, safe='')}", body={"action": "hangup"})
        except DeliveryError as error:
            if error.kind != "permanent" or error.code == "auth":  # other permanent ones: it has already ended
                raise

    def routes(self, host: VoiceHost) -> Sequence[Route]:
        return self.list_routes(LiveHooks(self, host, ANSWER_SECONDS))

    def list_routes(self, hooks: LiveHooks) -> Sequence[Route]:
        """Return the routes every live carrier has, all by POST, and two of its own."""

        async def receive_leg(request: HookRequest, event: CallEvent) -> HookResponse:
            """Go on when the second leg has ended; before that there is nothing to say."""
            return await hooks.receive_voice(request, event) if event.leg_status.is_terminal else HookResponse(204)

        async def note(request: HookRequest, event: CallEvent) -> HookResponse:
            """Events of no call of ours in particular: how an incoming one went, errors in what we said."""
            return HookResponse(204)

        own = [
            Route("POST", r"/leg/{dial:\d{1,18}}", hooks.wrap(receive_leg)),
            Route("POST", "/events", hooks.wrap(note)),
        ]
        return [*hooks.list_routes(("POST",)), *own]

    def open(self, request: HookRequest) -> CallEvent:
        self._token.verify(request)
        return parse_event(parse_body(request.body), leg="/leg/" in request.path)

    def respond(self, prompt: Prompt, next_url: str) -> HookResponse:
        base, _, query = next_url.partition("?")
        record, leg = base.replace("/voice/", "/record/"), base.replace("/voice/", "/leg/")
        ncco = self._writer.render(
            self._mark_announcement(prompt),
            next_url=self._token.mark(next_url),
            record_url=self._token.mark(record),
            leg_url=self._token.mark(f"{leg}?{query}" if query else leg),
        )
        return HookResponse(200, ncco, "application/json")

    def _mark_announcement(self, prompt: Prompt) -> Prompt:
        if prompt.connect is None or not prompt.connect.announce_url:
            return prompt
        return replace(
            prompt, connect=replace(prompt.connect, announce_url=self._token.mark(prompt.connect.announce_url))
        )

    async def examine(self) -> Sequence[Check]:
        """List one call: it proves the application and its key."""
        try:
            await self._api.request("GET", "/v1/calls", query={"page_size": "1"})
        except DeliveryError as error:
            return [Check(NAME, Health.BROKEN, "silent", {"why": error.cause})]
        return [Check(NAME, Health.OK, NAME, {"sender": self.number[-4:]})]

    async def close(self) -> None:
        await self._api.close()


def _get_number(call: Fields, end: str) -> str:
    party = call.get(end)
    party = party[0] if isinstance(party, list) and party else party
    return f"+{read_text(party, 'number').lstrip('+')}" if isinstance(party, dict) else ""


def _to_found_call(call: Fields) -> FoundCall:
    status = read_text(call, "status")
    return FoundCall(
        provider_id=read_text(call, "uuid"),
        status=CallStatus.IN_PROGRESS if status in ANSWERERS else STATUSES.get(status, CallStatus.NOT_GIVEN),
        started_at=_parse_time(read_text(call, "start_time")),
        duration=parse_count(call.get("duration")),
        caller=_get_number(call, "from"),
        cost=read_cost(call),
    )


def _parse_time(text: str) -> datetime | None:
    """Parse `2020-01-01 12:00:00` or ISO 8601; the carrier means UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def build_carrier(settings: Settings) -> VoiceCarrier:
    """Build a carrier from `application_id`, `private_key`, `signature_secret`, `from`; optional `api_url`,
    `calls_per_second`, `speech_language`, `timeout` (seconds one request may take)."""
    return VonageCarrier(
        settings["application_id"],
        settings["private_key"],
        settings["signature_secret"],
        settings["from"],
        api_url=settings.get("api_url", ""),
        allow=settings.get("outgoing_allow", ""),
        calls_per_second=float(settings.get("calls_per_second") or CALLS_PER_SECOND),
        speech_language=settings.get("speech_language") or SPEECH_LANGUAGE,
        request_seconds=float(settings.get("timeout") or REQUEST_SECONDS),
    )
