"""Sends signed requests from the phone network to the account owner's URLs, in a configurable order."""

import base64
import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

import aiohttp

from sandbox.phone.model import Call, Fetched, Hook
from sandbox.traffic import Traffic

FETCH_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
CALLBACK_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
FORM = "application/x-www-form-urlencoded; charset=UTF-8"

Ask = Callable[[str, str, dict[str, str], bytes, aiohttp.ClientTimeout], Awaitable[tuple[int, str, bytes]]]


class HookFailure(Exception):
    """A hook did not answer with a document: 11200 HTTP status, 11205 no connection, 12300 content type."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class Order(StrEnum):
    """The order in which status callbacks arrive (FW5, FW6)."""

    ORDERED = "ordered"
    REVERSED = "reversed"
    DOUBLED = "doubled"


def sign(token: str, url: str, params: dict[str, str]) -> str:
    """Compute X-Twilio-Signature: HMAC-SHA1 over the URL followed by the sorted POST parameters."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


@dataclass
class Lane:
    """The queue of status callbacks of one call."""

    waiting: list[tuple[Hook, dict[str, str]]] = field(default_factory=list)
    driving: bool = False


class Hooks:
    """The network's HTTP client.

    `order` and `lose` (a set of CallStatus values) disturb status callbacks; `fetch_twice` repeats voice
    fetches with the same idempotency token (FW7). `log` has the last 100,000 requests.
    """

    def __init__(self, sid: str, token: str, ask: Ask, traffic: Traffic) -> None:
        self.sid = sid
        self.token = token
        self.order = Order.ORDERED
        self.lose: frozenset[str] = frozenset()
        self.fetch_twice = False
        self.log: deque[Fetched] = deque(maxlen=100_000)
        self._ask = ask
        self._traffic = traffic
        self._lanes: dict[str, Lane] = {}

    def common(self, call: Call) -> dict[str, str]:
        """Build the parameters common to all voice requests."""
        facts = {
            "CallSid": call.sid, "AccountSid": self.sid, "From": call.caller, "To": call.to,
            "Caller": call.caller, "Called": call.to, "CallStatus": call.status, "ApiVersion": "2010-04-01",
            "Direction": call.direction, "CallerCity": "", "CallerState": "", "CalledCity": "", "CalledState": "",
        }  # fmt: skip
        if call.parent_sid:
            facts["ParentCallSid"] = call.parent_sid
        if call.answered_by:
            facts["AnsweredBy"] = call.answered_by
        return facts

    async def fetch(self, purpose: str, hook: Hook, params: dict[str, str]) -> tuple[str, bytes]:
        """Request a TwiML document; return (content type, body). Raises HookFailure."""
        token = secrets.token_hex(8)
        rounds = 2 if self.fetch_twice else 1
        for _ in range(rounds):
            try:
                status, mime, body = await self._send(purpose, hook, params, FETCH_TIMEOUT, token)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as accident:
                raise HookFailure(11205, f"{hook.url}: {type(accident).__name__}") from None
        if not 200 <= status < 300:
            raise HookFailure(11200, f"{hook.url} answered {status}")
        return mime, body

    def tell(self, call: Call, hook: Hook, event: str, now: datetime, extra: dict[str, str] | None = None) -> None:
        """Send a status callback in the background; `event` is the CallStatus it reports."""
        params = self.common(call) | {
            "CallStatus": event,
            "Timestamp": format_datetime(now),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.sequence),
        }
        call.sequence += 1
        if call.ended:
            params |= {"CallDuration": str(call.seconds), "Duration": str(-(-call.seconds // 60))}
        if event in self.lose:
            return
        lane = self._lanes.setdefault(call.sid, Lane())
        copies = 2 if self.order is Order.DOUBLED else 1
        lane.waiting.extend([(hook, params | (extra or {}))] * copies)
        if self.order is Order.REVERSED and not call.ended:
            return
        if self.order is Order.REVERSED:
            lane.waiting.reverse()
        if not lane.driving:
            lane.driving = True
            self._traffic.spawn(self._drive(call.sid, lane))

    def post_beside(self, purpose: str, hook: Hook, params: dict[str, str]) -> None:
        """Send a request in the background and ignore the answer (recordings, machine detection, SMS)."""
        lane = Lane([(hook, params)], driving=True)
        self._traffic.spawn(self._drive(purpose, lane))

    async def _drive(self, name: str, lane: Lane) -> None:
        with self._traffic.moving("status callbacks"):
            while lane.waiting:
                hook, params = lane.waiting.pop(0)
                try:
                    await self._send("status", hook, params, CALLBACK_TIMEOUT, secrets.token_hex(8))
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                    continue  # Twilio does not repeat a status callback; it stays in the log
            lane.driving = False
            self._lanes.pop(name, None)

    async def _send(
        self, purpose: str, hook: Hook, params: dict[str, str], limit: aiohttp.ClientTimeout, token: str
    ) -> tuple[int, str, bytes]:
        url, body = hook.url, b""
        if hook.method == "GET":
            url += ("&" if urlsplit(url).query else "?") + urlencode(params)
            signature = sign(self.token, url, {})
        else:
            body = urlencode(params).encode()
            signature = sign(self.token, url, params)
        headers = {
            "X-Twilio-Signature": signature,
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        if body:
            headers["Content-Type"] = FORM
        entry = Fetched(purpose, url, dict(params), None)
        self.log.append(entry)
        entry.status, mime, answer = await self._ask(hook.method, url, headers, body, limit)
        return entry.status, mime, answer
