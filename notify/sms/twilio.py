"""Twilio as an SMS gateway: one-way to mainland China, without links."""

import re

from notify.carrier import FormFields, to_pairs
from notify.channel import DeliveryError, Settings
from notify.message import Receipt
from notify.plain_text import fit
from notify.rate_limit import Bucket
from notify.sms_gateway import SmsCapabilities, SmsEvent, SmsGateway, SmsRules, SmsStatus
from notify.voice.twilio_http import REQUEST_SECONDS, PooledHttpClient, make_client, to_delivery_error

__all__ = ["NAME", "NEEDS", "TwilioSmsGateway", "build"]

NAME = "twilio"
NEEDS = ("account_sid", "auth_token", "from")

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

    def __init__(self, account: str, token: str, sender: str, *, http: PooledHttpClient | None = None) -> None:
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

    def read(self, params: FormFields) -> SmsEvent:
        fields = dict(to_pairs(params))
        return SmsEvent(
            provider_id=(fields.get("MessageSid") or fields.get("SmsSid") or "")[:64],
            status=STATUSES.get(fields.get("MessageStatus") or fields.get("SmsStatus") or "", SmsStatus.NOT_GIVEN),
            account=fields.get("AccountSid", "")[:64],
            error_code=fields.get("ErrorCode", "")[:16],
        )

    async def close(self) -> None:
        await self._http.close()


def build(settings: Settings) -> SmsGateway:
    """Build a gateway from `account_sid`, `auth_token`, `from`, and optionally `api_url`, `timeout`."""
    return TwilioSmsGateway(
        settings["account_sid"],
        settings["auth_token"],
        settings["from"],
        http=PooledHttpClient(
            settings.get("api_url"),
            allow=settings.get("outgoing_allow", ""),
            request_seconds=float(settings.get("timeout") or REQUEST_SECONDS),
        ),
    )
