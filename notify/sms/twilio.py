"""Twilio as an SMS gateway: one-way to mainland China, without links."""

import re

from notify.channel import DeliveryError, Settings
from notify.line import Fields, pairs
from notify.message import Receipt
from notify.pace import Bucket
from notify.phone.twilio_http import PooledHttpClient, doubt, make_client
from notify.plain import fit
from notify.text import TextCapabilities, Texter, TextEvent, TextRules, TextStatus

__all__ = ["NAME", "NEEDS", "TwilioTexter", "build"]

NAME = "twilio"
NEEDS = ("account_sid", "auth_token", "from")

#: SMS per second and sender
TEXTS_PER_SECOND = 1.0

STATUSES = {status.value: status for status in TextStatus} | {
    "accepted": TextStatus.QUEUED,
    "scheduled": TextStatus.QUEUED,
    "sending": TextStatus.QUEUED,
    "canceled": TextStatus.FAILED,
}
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


class TwilioTexter:
    """A `Texter` over Twilio's REST API."""

    name = NAME
    can = TextCapabilities(
        by_prefix=(("+86", TextRules(two_way=False, links=False, max_chars=500)),),
        otherwise=TextRules(two_way=True, links=True, max_chars=1600),
    )

    def __init__(self, account: str, token: str, sender: str, *, http: PooledHttpClient | None = None) -> None:
        self._http = http or PooledHttpClient()
        self._client = make_client(account, token, self._http)
        self._sender = sender

    def buckets(self) -> tuple[Bucket, ...]:
        return (Bucket("sms.sender", rate=TEXTS_PER_SECOND, per_seconds=1.0).of(self._sender),)

    async def send(self, to: str, text: str, *, status_url: str = "") -> Receipt:
        rules = self.can.for_number(to)
        words = fit(text, rules.max_chars)
        if not rules.links and _LINK.search(words):
            raise DeliveryError("permanent", "link_not_allowed")
        more = {"status_callback": status_url} if status_url else {}
        try:
            message = await self._client.messages.create_async(to=to, from_=self._sender, body=words, **more)
            sid, at, price, unit = message.sid, message.date_created, message.price, message.price_unit
        except Exception as error:
            raise doubt(error) from None
        if not isinstance(sid, str) or not sid:
            raise DeliveryError("ambiguous", "unreadable", "an accepted text without an id")
        cost = f"{str(price).lstrip('-')} {unit or ''}".strip() if price else None
        return Receipt(provider_id=sid, chat_id=to, at=at, cost=cost)

    def read(self, params: Fields) -> TextEvent:
        said = dict(pairs(params))
        return TextEvent(
            provider_id=(said.get("MessageSid") or said.get("SmsSid") or "")[:64],
            status=STATUSES.get(said.get("MessageStatus") or said.get("SmsStatus") or "", TextStatus.UNSAID),
            account=said.get("AccountSid", "")[:64],
            error_code=said.get("ErrorCode", "")[:16],
        )

    async def close(self) -> None:
        await self._http.close()


def build(settings: Settings) -> Texter:
    """Build a gateway from `account_sid`, `auth_token`, `from`, and optionally `api_url`."""
    return TwilioTexter(
        settings["account_sid"],
        settings["auth_token"],
        settings["from"],
        http=PooledHttpClient(settings.get("api_url")),
    )
