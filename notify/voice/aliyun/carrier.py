"""Aliyun as a voice carrier: it gets the whole menu up front and reports the pressed key afterwards."""

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

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
from notify.plain_text import redact
from notify.rate_limit import Bucket
from notify.voice._reported import ReportHooks
from notify.voice.aliyun.codes import END_STATUSES, get_failure_kind, parse_report

NAME = "aliyun"
ENDPOINT = "dyvmsapi.aliyuncs.com"
#: milliseconds to connect, and to read the response (FW17)
CONNECT_MS, READ_MS = 5_000, 10_000
#: seconds to wait for a key
KEY_SECONDS = 6
#: characters of one parameter that the carrier accepts
PARAM_LIMIT = 50
PRODUCT_ID = 11000000300005  # the product whose calls can be queried by id
CALLS_PER_SECOND = 10.0
COUNTRY_PREFIX = "+86"


class AliyunCarrier:
    """A `VoiceCarrier` over `SingleCallByTts` and `IvrCall`; `templates` maps our text keys to the carrier's codes."""

    name = NAME
    can = VoiceCapabilities(
        live=False,
        speech=False,
        record=False,
        bridge=False,
        detect_machine=False,
        serves=(COUNTRY_PREFIX,),
        search=False,
        invalid_number=frozenset(("isv.MOBILE_NUMBER_ILLEGAL",)),
    )

    def __init__(
        self,
        key_id: str,
        key_secret: str,
        templates: Mapping[str, str],
        *,
        hook_secret: str,
        endpoint: str = "",
        show_number: str = "",
        calls_per_second: float = CALLS_PER_SECOND,
        read_ms: int = READ_MS,
    ) -> None:
        """`endpoint` may have a scheme, else https. `show_number` "": the carrier's shared numbers."""
        from alibabacloud_dyvmsapi20170525.client import Client
        from alibabacloud_tea_openapi.models import Config

        scheme, _, host = (endpoint or ENDPOINT).rpartition("://")
        self._client: Any = Client(
            Config(
                access_key_id=key_id,
                access_key_secret=key_secret,
                endpoint=host.rstrip("/"),
                protocol=(scheme or "https").upper(),
            )
        )
        self._secrets = (key_id, key_secret)
        self._templates = dict(templates)
        self._hook_secret = hook_secret
        self._show = self.number = show_number
        self._read_ms = read_ms
        self._bucket = Bucket("phone.caller", rate=calls_per_second, per_seconds=1.0)

    def buckets(self, caller: str) -> tuple[Bucket, ...]:
        return (self._bucket.for_subject(self._show or NAME),)

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
        from alibabacloud_dyvmsapi20170525 import models

        if menu is None:
            raise DeliveryError("permanent", "no_menu")
        if not to.startswith(COUNTRY_PREFIX):
            raise DeliveryError("permanent", "isv.MOBILE_NUMBER_ILLEGAL")
        common = {
            "called_number": to.removeprefix(COUNTRY_PREFIX),
            "called_show_number": self._show or None,
            "out_id": menu.ref,
            "play_times": menu.times,
        }
        if menu.keys:
            keys = [
                models.IvrCallRequestMenuKeyMap(
                    key=key, code=self._code(text), tts_params=_dump_params(menu.after[key])
                )
                for key, text in menu.keys.items()
            ]
            asked: object = models.IvrCallRequest(
                start_code=self._code(menu.first),
                start_tts_params=_dump_params(menu.params),
                menu_key_map=keys,
                timeout=KEY_SECONDS * 1000,
                **common,
            )
            body = await self._request(self._client.ivr_call_with_options_async, asked)
        else:
            asked = models.SingleCallByTtsRequest(
                tts_code=self._code(menu.first), tts_param=_dump_params(menu.params), **common
            )
            body = await self._request(self._client.single_call_by_tts_with_options_async, asked)
        if not isinstance(body.call_id, str) or not body.call_id:
            raise DeliveryError("ambiguous", "unreadable", "an accepted call without an id")
        return PlacedCall(body.call_id)

    async def find(self, *, to: str, since: datetime, provider_id: str = "") -> list[FoundCall]:
        from alibabacloud_dyvmsapi20170525 import models

        if since.tzinfo is None:
            raise ValueError("since must be aware")
        if not provider_id:
            return []
        day = int((since.astimezone(UTC) + timedelta(minutes=1)).timestamp() * 1000)
        asked = models.QueryCallDetailByCallIdRequest(call_id=provider_id, prod_id=PRODUCT_ID, query_date=day)
        try:
            body = await self._request(self._client.query_call_detail_by_call_id_with_options_async, asked)
            details = json.loads(body.data or "{}")
        except DeliveryError as error:
            raise error.as_idempotent() from None
        except ValueError:
            return []
        code = str(details.get("state") or details.get("statusCode") or "") if isinstance(details, dict) else ""
        if not code:
            return []
        seconds = str(details.get("duration") or "")
        status = END_STATUSES.get(code, CallStatus.FAILED)
        return [FoundCall(provider_id, status, None, int(seconds) if seconds.isdigit() else None)]

    async def hang_up(self, provider_id: str) -> None:
        from alibabacloud_dyvmsapi20170525 import models

        try:
            await self._request(
                self._client.cancel_call_with_options_async, models.CancelCallRequest(call_id=provider_id)
            )
        except DeliveryError as error:
            if error.kind != "permanent":  # permanent: it has already ended
                raise error.as_idempotent() from None

    def routes(self, host: VoiceHost) -> Sequence[Route]:
        return ReportHooks(self, host).list_routes()

    def verify(self, request: HookRequest) -> bool:
        """Check the secret in the last path segment, in constant time: the carrier signs nothing.

        It adds nothing to the address it was given (XR10).
        """
        last = request.parts["secret"]
        if not self._hook_secret or "?" in request.target:
            return False
        return hmac.compare_digest(last.encode("utf-8", "surrogateescape"), self._hook_secret.encode())

    def read_reports(self, body: bytes) -> list[dict[str, str]]:
        found = json.loads(body)
        reports = found if isinstance(found, list) else [found]
        if not all(isinstance(report, dict) for report in reports):
            raise ValueError("a report is an object")
        return [{str(k): "" if v is None else str(v) for k, v in report.items()} for report in reports]

    def read(self, report: Mapping[str, str]) -> CallEvent:
        return parse_report(report)

    def acknowledge(self) -> HookResponse:
        return HookResponse(200, json.dumps({"code": 0, "msg": "OK"}), "application/json")

    async def examine(self) -> Sequence[Check]:
        """Nothing can be asked without placing a call: say which texts have a template."""
        return [Check(NAME, Health.OK, "aliyun", {"count": len(self._templates)})]

    async def close(self) -> None:
        """Do nothing: no connection stays open between requests."""

    def _code(self, text: str) -> str:
        code = self._templates.get(text)
        if not code:
            raise DeliveryError("permanent", "no_template", text)
        return code

    async def _request(self, call: Any, request: Any) -> Any:
        """Make one request, once (FW14); raises DeliveryError for everything but OK."""
        from darabonba.runtime import RuntimeOptions

        runtime = RuntimeOptions(
            autoretry=False, max_attempts=1, connect_timeout=CONNECT_MS, read_timeout=self._read_ms
        )
        try:
            body = (await call(request, runtime)).body
        except Exception as error:
            raise self._to_delivery_error(error) from None
        code = str(body.code or "")
        if code != "OK":
            raise DeliveryError(
                get_failure_kind(code), code or "unreadable", redact(body.message or "", *self._secrets)
            )
        return body

    def _to_delivery_error(self, error: Exception) -> DeliveryError:
        code = str(getattr(error, "code", None) or "")
        words = redact(f"{type(error).__name__} {error}", *self._secrets)
        if "Cannot connect to host" in str(error):  # the client keeps the connector's message, not its type
            return DeliveryError("transient", "network", words)
        if not code or not code[0].isalpha() or code == "UnretryableError":
            return DeliveryError("ambiguous", "network", words)
        return DeliveryError(get_failure_kind(code), code, words)


def _dump_params(values: Mapping[str, str]) -> str | None:
    return json.dumps({k: v[:PARAM_LIMIT] for k, v in values.items()}, ensure_ascii=False) if values else None


def build_carrier(settings: Settings) -> VoiceCarrier:
    """Build a carrier from `access_key_id`, `access_key_secret`, `templates` ("phone.call_to_sign=TTS_1,…"), `hook_secret`;
    optional `endpoint`, `show_number`, `calls_per_second`, `timeout` (seconds)."""
    named = (pair.partition("=") for pair in settings["templates"].split(",") if pair.strip())
    return AliyunCarrier(
        settings["access_key_id"],
        settings["access_key_secret"],
        {text.strip(): code.strip() for text, _, code in named},
        hook_secret=settings["hook_secret"],
        endpoint=settings.get("endpoint", ""),
        show_number=settings.get("show_number", ""),
        calls_per_second=float(settings.get("calls_per_second") or CALLS_PER_SECOND),
        read_ms=int(float(settings.get("timeout") or READ_MS / 1000) * 1000),
    )
