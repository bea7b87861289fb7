"""Twilio as an SMS gateway: one-way to mainland China, without links."""

import re
from collections.abc import Awaitable, Callable, Sequence

from notify.carrier import FormFields, to_pairs
from notify.channel import DeliveryError, Settings
from notify.driver import Check, HookRefused, HookRequest, HookResponse, Route
from notify.in_time import InTime
from notify.message import Receipt
from notify.plain_text import fit
from notify.rate_limit import Bucket
from notify.sms_gateway import SmsCapabilities, SmsEvent, SmsGateway, SmsHost, SmsRules, SmsStatus
from notify.voice.twilio import SETTINGS
from notify.voice.twilio.carrier import examine_account
from notify.voice.twilio.http import REQUEST_SECONDS, PooledHttpClient, make_client, to_delivery_error
from notify.voice.twilio.requests import Fields, TwilioSignature

__all__ = ["NAME", "SETTINGS", "TwilioSmsGateway", "build"]

NAME = "twilio"
STORE_SECONDS = 7.0  # FW11
EMPTY_RESPONSE = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

#: SMS per second and sender
SMS_PER_SECOND = 1.0

STATUSES = {status.value: status for status in SmsStatus} | {
    "accepted": SmsStatus.QUEUED,
    "scheduled": SmsStatus.QUEUED,
    "sending": SmsStatus.QUEUED,
    "canceled": SmsStatus.FAILED,
}
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


class TwilioSmsGateway:
    """A `SmsGateway` over Twilio's REST API."""

    name = NAME
    can = SmsCapabilities(
        by_prefix=(("+86", SmsRules(two_way=False, links=False, max_chars=500)),),
        otherwise=SmsRules(two_way=True, links=True, max_chars=1600),
    )

    def __init__(
        self, account: str, token: str, sender: str, *, token_old: str = "", http: PooledHttpClient | None = None
    ) -> None:
        self._account, self._signature = account, TwilioSignature(account, token, token_old)
        self._http = http or PooledHttpClient()
        self._client = make_client(account, token, self._http)
        self._sender = sender

    def buckets(self) -> tuple[Bucket, ...]:
        return (Bucket("sms.sender", rate=SMS_PER_SECOND, per_seconds=1.0).for_subject(self._sender),)

    async def send(self, to: str, text: str, *, status_url: str = "") -> Receipt:
        rules = self.can.find_rules(to)
        words = fit(text, rules.max_chars)
        if not rules.links and _LINK.search(words):
            raise DeliveryError("permanent", "link_not_allowed")
        more = {"status_callback": status_url} if status_url else {}
        try:
            message = await self._client.messages.create_async(to=to, from_=self._sender, body=words, **more)
            sid, at, price, unit = message.sid, message.date_created, message.price, message.price_unit
        except Exception as error:
            raise to_delivery_error(error) from None
        if not isinstance(sid, str) or not sid:
            raise DeliveryError("ambiguous", "unreadable", "an accepted text without an id")
        cost = f"{str(price).lstrip('-')} {unit or ''}".strip() if price else None
        return Receipt(provider_id=sid, chat_id=to, at=at, cost=cost)

    def routes(self, host: SmsHost) -> Sequence[Route]:
        return TwilioSmsHooks(self._signature, self.read, host).list_routes()

    async def examine(self) -> Sequence[Check]:
        return [await examine_account(self._client, self._account, self._sender)]

    def read(self, params: FormFields) -> SmsEvent:
        """Parse a delivery report; never raises."""
        fields = dict(to_pairs(params))
        return SmsEvent(
            provider_id=(fields.get("MessageSid") or fields.get("SmsSid") or "")[:64],
            status=STATUSES.get(fields.get("MessageStatus") or fields.get("SmsStatus") or "", SmsStatus.NOT_GIVEN),
            account=fields.get("AccountSid", "")[:64],
            error_code=fields.get("ErrorCode", "")[:16],
        )

    async def close(self) -> None:
        await self._http.close()


class TwilioSmsHooks:
    """`…/sms`: a reply; `…/sms/status/ID`: the status of one of ours. A repeated message has one effect (FW22)."""

    def __init__(self, signature: TwilioSignature, read: Callable[[FormFields], SmsEvent], host: SmsHost) -> None:
        self._signature, self._read, self._host, self._in_time = signature, read, host, InTime(host)

    def list_routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("POST", "/sms", self._wrap(self._receive_reply)),
            Route("POST", r"/sms/status/{text:\d{1,18}}", self._wrap(self._receive_status)),
        ]

    def _wrap(
        self, handler: Callable[[HookRequest, Fields], Awaitable[HookResponse]]
    ) -> Callable[[HookRequest], Awaitable[HookResponse]]:
        async def handle(request: HookRequest) -> HookResponse:
            try:
                fields = self._signature.open(request)
            except HookRefused as refused:
                return HookResponse(refused.status)
            try:
                return await handler(request, fields)
            except HookRefused as refused:
                if refused.status == 404:  # FW24
                    await self._in_time.store(self._host.record_unknown(request.path), STORE_SECONDS)
                return HookResponse(refused.status)

        return handle

    async def _receive_reply(self, request: HookRequest, fields: Fields) -> HookResponse:
        values = dict(fields)
        work = self._host.receive(values.get("From", ""), values.get("Body", ""))
        if not await self._in_time.store(work, STORE_SECONDS):
            return HookResponse(503)  # nothing stored; the carrier may send it again
        return HookResponse(200, EMPTY_RESPONSE, "text/xml")

    async def _receive_status(self, request: HookRequest, fields: Fields) -> HookResponse:
        work = self._host.report(int(request.parts["text"]), self._read(fields))
        return HookResponse(204 if await self._in_time.store(work, STORE_SECONDS) else 503)


def build(settings: Settings) -> SmsGateway:
    """Build a gateway from `account_sid`, `auth_token`, `from`, and optionally `api_url`, `timeout`."""
    return TwilioSmsGateway(
        settings["account_sid"],
        settings["auth_token"],
        settings["from"],
        token_old=settings.get("auth_token_old", ""),
        http=PooledHttpClient(
            settings.get("api_url"),
            allow=settings.get("outgoing_allow", ""),
            request_seconds=float(settings.get("timeout") or REQUEST_SECONDS),
        ),
    )
