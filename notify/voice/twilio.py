"""Twilio as a voice carrier: it places our calls and asks us, live, what to say next."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

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
    to_pairs,
)
from notify.channel import DeliveryError, Settings
from notify.message import Prompt
from notify.rate_limit import Bucket
from notify.voice.twilio_http import REQUEST_SECONDS, PooledHttpClient, make_client, to_delivery_error
from notify.voice.twilio_twiml import ANSWERERS, STATUSES, parse_call, parse_count, render_twiml

__all__ = ["NAME", "NEEDS", "TwilioCarrier", "build"]

NAME = "twilio"
NEEDS = ("account_sid", "auth_token")

#: characters of a signature that is checked at all; a real one has 28 (FW1)
SIGNATURE_LIMIT = 128
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
    ) -> None:
        """`token_old` is still accepted in webhook signatures while the token is rotated (FW30)."""
        self.account = account
        self._http = http or PooledHttpClient()
        self._client = make_client(account, token, self._http)
        self._validators = [RequestValidator(one) for one in (token, token_old) if one]
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

    def render(self, prompt: Prompt, *, next_url: str) -> str:
        return render_twiml(prompt, next_url, self._voice)

    def is_genuine(self, *, url: str, params: FormFields, signature: str | None) -> bool:
        if not signature or len(signature) > SIGNATURE_LIMIT or not signature.isascii():
            return False
        fields = _RepeatedFields(to_pairs(params))
        if any(account != self.account for account in fields.getall("AccountSid")):
            return False
        try:
            return any(one.validate(url, fields, signature) for one in self._validators)
        except (ValueError, UnicodeError):
            # a URL or a field that no carrier could have signed
            return False

    def read(self, params: FormFields) -> CallEvent:
        return parse_call(params)

    async def close(self) -> None:
        await self._http.close()


def build(settings: Settings) -> VoiceCarrier:
    """Build a carrier from `account_sid`, `auth_token`; optional `auth_token_old`, `api_url`, `calls_per_second`,
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
    )


class _RepeatedFields:
    """Fields in the form twilio's validator reads: names may repeat, values are unchanged (FW3)."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        return self._values.get(name, [])


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
