"""The simulated application: its calls, its webhooks in a configurable order, what it refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import aiohttp

from sandbox.faults import Faults, Violations
from sandbox.http_client import SendRequest
from sandbox.telephone.exchange import Exchange, to_e164
from sandbox.telephone.model import Call, CallPlan, HookUrl, Recording, SentRequest, TranscriptLine
from sandbox.vonage.shapes import Fields
from sandbox.vonage.signing import ApiGuard, sign_webhook

TIMEOUT = aiohttp.ClientTimeout(total=5, connect=3)
#: our words of a call's state → Vonage's
STATUS_WORDS = {
    "queued": "started",
    "ringing": "ringing",
    "in-progress": "answered",
    "completed": "completed",
    "busy": "busy",
    "no-answer": "timeout",
    "failed": "failed",
    "canceled": "cancelled",
}
EURO_PER_MINUTE = 0.03


class VonageNetwork:
    """One application with one number. `real_time`: seconds since 1970, as its tokens say.

    `refusals` are numbers (E.164) it will not call; above `calls_per_second` it answers 429; `order` "reversed",
    "doubled" disturbs events; events in `lost` are never sent.
    """

    name = "vonage"

    def __init__(
        self,
        exchange: Exchange,
        *,
        public_url: str,
        application: str,
        private_key: str,
        secret: str,
        number: str,
        real_time: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        send_request: SendRequest,
    ) -> None:
        self.exchange = exchange
        self.public_url = public_url.rstrip("/")
        self.application, self.secret, self.number = application, secret, number
        self.guard = ApiGuard(private_key, application, real_time)
        self.faults, self.violations = Faults(), Violations("vonage")
        self.refusals: set[str] = set()
        self.calls_per_second: float | None = None
        self.order = "ordered"
        self.lost: frozenset[str] = frozenset()
        self.log: list[SentRequest] = []
        self.conversations: dict[str, str] = {}
        self.detections: dict[str, str] = {}
        self._real_time, self._random_bytes, self._send_request = real_time, random_bytes, send_request

    def build_call(self, to: str, caller: str, direction: str, plan: CallPlan, parent: str | None = None) -> Call:
        """Build a call; a second leg belongs to its parent's conversation."""
        call = Call(self.create_id(), to_e164(to), caller, direction, self.exchange.now(), parent_sid=parent, plan=plan)
        self.conversations[call.sid] = self.conversations.get(parent or "") or f"CON-{self.create_id()}"
        return call

    def create_id(self) -> str:
        """Return a new UUID."""
        return str(UUID(bytes=self._random_bytes(16), version=4))

    def record_violation(self, code: int, call: Call, message: str) -> None:
        """Record an error of the owner's webhooks or documents."""
        self.violations.record(code, call.sid, message)
        call.lines.append(TranscriptLine("note", f"⚠ {code} {message}"))
        self.exchange.notify_change()

    def store_recording(self, call: Call, seconds: int, words: str) -> Fields:
        """Store a recording; return what is told of it."""
        recording = Recording(self.create_id(), call.sid, seconds, words, self.exchange.now())
        self.exchange.recordings[recording.sid] = recording
        return {
            "recording_url": f"{self.public_url}/sandbox/vonage/v1/files/{recording.sid}",
            "recording_uuid": recording.sid,
            "size": 1000 * seconds,
            "start_time": self.stamp(),
            "end_time": self.stamp(),
            "conversation_uuid": self.conversations[call.sid],
            "timestamp": self.stamp(),
        }

    def stamp(self) -> str:
        """The time as events say it."""
        return self.exchange.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def describe(self, call: Call) -> Fields:
        """The ends and ids of a call, as in every webhook."""
        return {
            "from": call.caller.lstrip("+"),
            "to": call.to.lstrip("+"),
            "uuid": call.sid,
            "conversation_uuid": self.conversations[call.sid],
        }

    def report(self, call: Call, hook: HookUrl | None, **more: object) -> None:
        """Send an event in the background: the call's state, or a detection (`status`)."""
        if hook is None:
            return
        event = self.build_event(call) | more
        if event["status"] in self.lost:
            return
        copies = 2 if self.order == "doubled" else 1
        for _ in range(copies):
            self.exchange.in_flight.spawn(self._post_event(hook, event, call.sequence))
        call.sequence += 1

    def build_event(self, call: Call) -> Fields:
        """Build an event of a call's present state."""
        word = STATUS_WORDS[call.status]
        direction = "inbound" if call.direction == "inbound" else "outbound"
        event = self.describe(call) | {"status": word, "direction": direction, "timestamp": self.stamp()}
        if word == "completed":
            event |= {
                "duration": str(call.seconds),
                "rate": f"{EURO_PER_MINUTE:.8f}",
                "network": "CN-FIXED",
                "price": f"{EURO_PER_MINUTE * call.seconds / 60:.8f}",
                "start_time": self.stamp(),
                "end_time": self.stamp(),
            }
        return event

    async def _post_event(self, hook: HookUrl, event: Fields, place: int) -> None:
        with self.exchange.in_flight.track("vonage events"):
            try:
                await self.post("event", hook.url, event)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
                return

    async def post(self, purpose: str, url: str, fields: Fields) -> tuple[int, str, bytes]:
        """Send one signed webhook; return status, content type and body."""
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        token = sign_webhook(self.secret, self.application, body, self._real_time(), self.create_id())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "User-Agent": "vonage"}
        entry = SentRequest(
            purpose, url, {k: str(v) for k, v in fields.items()}, None, {"headers": headers, "body": body}
        )
        self.log.append(entry)
        entry.status, kind, answer = await self._send_request("POST", url, headers, body, TIMEOUT)
        assert entry.status is not None
        return entry.status, kind, answer

    def find_call(self, uuid: str) -> Call | None:
        """Return one of this application's calls."""
        return self.exchange.calls.get(uuid) if uuid in self.conversations else None


def parse_stamp(text: str) -> datetime | None:
    """Parse an ISO 8601 instant."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
