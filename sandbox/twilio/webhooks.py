"""Sends signed requests from the phone network to the account owner's URLs, in a configurable order."""

import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from urllib.parse import urlencode, urlsplit

import aiohttp

from sandbox.http_client import SendRequest
from sandbox.in_flight import InFlight
from sandbox.telephone.model import Call, HookUrl, SentRequest

FETCH_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
CALLBACK_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


class HookFailure(Exception):
    """A hook did not answer with a document: 11200 HTTP status, 11205 no connection, 12300 content type."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class CallbackOrder(StrEnum):
    """The order in which status callbacks arrive (FW5, FW6)."""

    ORDERED = "ordered"
    REVERSED = "reversed"
    DOUBLED = "doubled"


def compute_signature(token: str, url: str, params: dict[str, str]) -> str:
    """Compute X-Twilio-Signature: HMAC-SHA1 over the URL followed by the sorted POST parameters."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


@dataclass
class CallbackQueue:
    """The queue of status callbacks of one call."""

    waiting: list[tuple[HookUrl, dict[str, str]]] = field(default_factory=list)
    is_running: bool = False


class WebhookClient:
    """The network's HTTP client.

    `order` and `lost_statuses` (a set of CallStatus values) disturb status callbacks; `fetch_twice` repeats voice
    fetches with the same idempotency token (FW7). `log` has the last 100,000 requests.
    """

    def __init__(
        self, sid: str, token: str, send_request: SendRequest, traffic: InFlight, random_bytes: Callable[[int], bytes]
    ) -> None:
        self.sid = sid
        self.token = token
        self.order = CallbackOrder.ORDERED
        self.lost_statuses: frozenset[str] = frozenset()
        self.fetch_twice = False
        self.log: deque[SentRequest] = deque(maxlen=100_000)
        self._send_request = send_request
        self._traffic = traffic
        self._random_bytes = random_bytes
        self._queues: dict[str, CallbackQueue] = {}

    def build_params(self, call: Call) -> dict[str, str]:
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

    async def fetch(self, purpose: str, hook: HookUrl, params: dict[str, str]) -> tuple[str, bytes]:
        """Request a TwiML document; return (content type, body). Raises HookFailure."""
        token = self._create_token()
        attempts = 2 if self.fetch_twice else 1
        for _ in range(attempts):
            try:
                status, mime, body = await self._send(purpose, hook, params, FETCH_TIMEOUT, token)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise HookFailure(11205, f"{hook.url}: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise HookFailure(11200, f"{hook.url} answered {status}")
        return mime, body

    def send_status(
        self, call: Call, hook: HookUrl, event: str, now: datetime, extra: dict[str, str] | None = None
    ) -> None:
        """Send a status callback in the background; `event` is the CallStatus it reports."""
        params = self.build_params(call) | {
            "CallStatus": event,
            "Timestamp": format_datetime(now),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.sequence),
        }
        call.sequence += 1
        if call.ended:
            params |= {"CallDuration": str(call.seconds), "Duration": str(-(-call.seconds // 60))}
        if event in self.lost_statuses:
            return
        queue = self._queues.setdefault(call.sid, CallbackQueue())
        copies = 2 if self.order is CallbackOrder.DOUBLED else 1
        queue.waiting.extend([(hook, params | (extra or {}))] * copies)
        if self.order is CallbackOrder.REVERSED and not call.ended:
            return
        if self.order is CallbackOrder.REVERSED:
            queue.waiting.reverse()
        if not queue.is_running:
            queue.is_running = True
            self._traffic.spawn(self._send_queue(call.sid, queue))

    def post_in_background(self, purpose: str, hook: HookUrl, params: dict[str, str]) -> None:
        """Send a request in the background and ignore the answer (recordings, machine detection, SMS)."""
        lane = CallbackQueue([(hook, params)], is_running=True)
        self._traffic.spawn(self._send_queue(purpose, lane))

    async def _send_queue(self, name: str, lane: CallbackQueue) -> None:
        with self._traffic.track("status callbacks"):
            while lane.waiting:
                hook, params = lane.waiting.pop(0)
                try:
                    await self._send("status", hook, params, CALLBACK_TIMEOUT, self._create_token())
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                    continue  # Twilio does not repeat a status callback; it stays in the log
            lane.is_running = False
            self._queues.pop(name, None)

    def _create_token(self) -> str:
        return self._random_bytes(8).hex()

    async def _send(
        self, purpose: str, hook: HookUrl, params: dict[str, str], limit: aiohttp.ClientTimeout, token: str
    ) -> tuple[int, str, bytes]:
        url, body = hook.url, b""
        if hook.method == "GET":
            url += ("&" if urlsplit(url).query else "?") + urlencode(params)
            signature = compute_signature(self.token, url, {})
        else:
            body = urlencode(params).encode()
            signature = compute_signature(self.token, url, params)
        headers = {
            "X-Twilio-Signature": signature,
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        if body:
            headers["Content-Type"] = FORM
        entry = SentRequest(purpose, url, dict(params), None)
        self.log.append(entry)
        entry.status, mime, answer = await self._send_request(hook.method, url, headers, body, limit)
        return entry.status, mime, answer
