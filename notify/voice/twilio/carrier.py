"""Twilio as a voice carrier: it places our calls and asks us, live, what to say next."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from notify.carrier import (
    AnswerDetection,
    AnsweredBy,
    CallEvent,
    CallStatus,
    CallUrls,
    FormFields,
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
from notify.voice.twilio.http import REQUEST_SECONDS, PooledHttpClient, make_client, to_delivery_error
from notify.voice.twilio.requests import TwilioSignature
from notify.voice.twilio.twiml import ANSWERERS, STATUSES, parse_call, parse_count, render_twiml

NAME = "twilio"
#: error codes of numbers that can never be called (FW23)
INVALID_NUMBER = frozenset(("21211", "21214", "21215", "21216", "21217", "21610", "21614", "13223", "13224", "13225"))
#: calls listed when reconciling one number (FW14)
FIND_LIMIT = 100
#: calls per second and caller number; Twilio's own default per account (FW18)
CALLS_PER_SECOND = 1.0


class TwilioCarrier:
    """A `VoiceCarrier` over Twilio's REST API and signed webhooks."""

    name = NAME
    can = VoiceCapabilities(
        live=True,
        speech=True,
        record=True,
        bridge=True,
        detect_machine=True,
        # no calls to mainland China since 2023-11-30
        unserved=("+86",),
        invalid_number=INVALID_NUMBER,
    )

    def __init__(
        self,
        account: str,
        token: str,
        *,
        token_old: str = "",
        http: PooledHttpClient | None = None,
        calls_per_second: float = CALLS_PER_SECOND,
        voice: str = "",
        number: str = "",
    ) -> None:
        """`token_old` is still accepted in webhook signatures while the token is rotated (FW30)."""
        self.number = number
        self.account = account
        self._http = http or PooledHttpClient()
        self._client = make_client(account, token, self._http)
        self._signature = TwilioSignature(account, token, token_old)
        self._bucket = Bucket("phone.caller", rate=calls_per_second, per_seconds=1.0)
        self._voice = voice

    def buckets(self, caller: str) -> tuple[Bucket, ...]:
        return (self._bucket.for_subject(caller),)

    async def place(
        self, to: str, *, caller: str, urls: CallUrls, ring_seconds: int = 30, detect: AnswerDetection = AnswerDetection.OFF,
        menu: Menu | None = None,
    ) -> PlacedCall:  # fmt: skip
        fields: dict[str, Any] = {"machine_detection": "Enable"} if detect is not AnswerDetection.OFF else {}
        if detect is AnswerDetection.HINT:
            fields |= {"async_amd": "true", "async_amd_status_callback": urls.status}
        try:
            call = await self._client.calls.create_async(
                to=to,
                from_=caller,
                url=urls.answer,
                method="POST",
                fallback_url=urls.fallback,
                fallback_method="POST",
                status_callback=urls.status,
                status_callback_method="POST",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=ring_seconds,
                **fields,
            )
            sid = call.sid
        except Exception as error:
            raise to_delivery_error(error) from None
        if not isinstance(sid, str) or not sid:
            raise DeliveryError("ambiguous", "unreadable", "an accepted call without an id")
        return PlacedCall(sid)

    async def find(self, *, to: str, since: datetime, provider_id: str = "") -> list[FoundCall]:
        if since.tzinfo is None:
            raise ValueError("since must be aware")
        try:
            calls = await self._client.calls.list_async(to=to, start_time_after=since.astimezone(UTC), limit=FIND_LIMIT)
            found = [_to_found_call(call) for call in calls]
        except Exception as error:
            raise to_delivery_error(error).as_idempotent() from None
        return found

    async def hang_up(self, provider_id: str) -> None:
        try:
            await self._client.calls(provider_id).update_async(status="completed")
        except Exception as error:
            failed = to_delivery_error(error)
            # 21220: the call cannot be ended because it has ended
            if failed.code != "21220":
                raise failed.as_idempotent() from None

    def routes(self, host: VoiceHost) -> Sequence[Route]:
        return LiveHooks(self, host).list_routes()

    def open(self, request: HookRequest) -> CallEvent:
        return self.read(self._signature.open(request))

    def respond(self, prompt: Prompt, next_url: str) -> HookResponse:
        return HookResponse(200, self.render(prompt, next_url=next_url), "text/xml")

    def render(self, prompt: Prompt, *, next_url: str) -> str:
        """Render the prompt as TwiML."""
        return render_twiml(prompt, next_url, self._voice)

    def is_genuine(self, *, url: str, params: FormFields, signature: str | None) -> bool:
        """Whether the carrier sent this webhook; `url` uses the configured public address (FW1, FW2, FW24)."""
        return self._signature.signs(url, params, signature)

    def read(self, params: FormFields) -> CallEvent:
        """Parse a webhook; never raises, whatever the fields hold."""
        return parse_call(params)

    async def examine(self) -> Sequence[Check]:
        return [await examine_account(self._client, self.account, self.number)]

    async def close(self) -> None:
        await self._http.close()


async def examine_account(client: Any, account: str, number: str) -> Check:
    """Ask whether the account is active; what it calls from is told by its last digits."""
    try:
        status = str((await client.api.v2010.accounts(account).fetch_async()).status)
    except Exception as error:
        return Check(NAME, Health.BROKEN, "silent", {"why": to_delivery_error(error).cause})
    facts = {"status": status, "sender": number[-4:]}
    if status != "active":
        return Check(NAME, Health.NOTICE, "twilio_inactive", facts)
    return Check(NAME, Health.OK, "twilio", facts)


def build_carrier(settings: Settings) -> VoiceCarrier:
    """Build a carrier from `account_sid`, `auth_token`; optional `auth_token_old`, `from`, `api_url`, `calls_per_second`,
    `voice`, `timeout` (seconds one request may take)."""
    return TwilioCarrier(
        settings["account_sid"],
        settings["auth_token"],
        token_old=settings.get("auth_token_old", ""),
        http=PooledHttpClient(
            settings.get("api_url"),
            allow=settings.get("outgoing_allow", ""),
            request_seconds=float(settings.get("timeout") or REQUEST_SECONDS),
        ),
        calls_per_second=float(settings.get("calls_per_second") or CALLS_PER_SECOND),
        voice=settings.get("voice", ""),
        number=settings.get("from", ""),
    )


def _to_found_call(call: Any) -> FoundCall:
    price = f"{str(call.price).lstrip('-')} {call.price_unit or ''}".strip() if call.price else None
    return FoundCall(
        provider_id=str(call.sid),
        status=STATUSES.get(str(call.status), CallStatus.NOT_GIVEN),
        started_at=call.start_time if isinstance(call.start_time, datetime) else None,
        duration=parse_count(str(call.duration)),
        caller=str(call._from or ""),
        answered_by=ANSWERERS.get(str(call.answered_by), AnsweredBy.NOT_GIVEN),
        cost=price,
    )
