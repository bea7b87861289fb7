"""The simulated phone network: telephones by number, calls by sid, SMS, recordings."""

from collections import deque
from collections.abc import Callable
from datetime import datetime

from sandbox.broadcast import Broadcast
from sandbox.faults import Faults, Violations
from sandbox.http_client import SendRequest
from sandbox.in_flight import InFlight
from sandbox.telephone.behaviour import FAILED
from sandbox.telephone.exchange import Exchange, to_e164
from sandbox.telephone.handset_call import HandsetCall
from sandbox.telephone.model import Call, CallPlan, HookUrl, Recording, Sms, TranscriptLine
from sandbox.twilio.execution import CallExecution
from sandbox.twilio.verbs import HANDLERS
from sandbox.twilio.webhooks import WebhookClient

MAX_REQUESTS = 100_000  # newest requests kept for tests to inspect


class PhoneNetwork(Exchange):
    """One account, its number, and every telephone it may call.

    `refusals` maps numbers to REST error codes (FW23); above `calls_per_second` the answer is 429.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        public_url: str,
        sid: str,
        token: str,
        own_number: str,
        broadcast: Broadcast,
        in_flight: InFlight,
        send_request: SendRequest,
    ) -> None:
        super().__init__(now, monotonic, own_number, broadcast, in_flight)
        self._random_bytes = random_bytes
        self.public_url = public_url.rstrip("/")
        self.api_url = f"{self.public_url}/sandbox/twilio"
        self.inbound = HookUrl(f"{self.public_url}/hooks/twilio/inbound")
        self.sid = sid
        self.token = token
        self.webhooks = WebhookClient(sid, token, send_request, in_flight, random_bytes)
        self.faults = Faults()
        self.calls_per_second: float | None = None
        self.refusals: dict[str, int] = {}
        self.violations = Violations("twilio")
        self.requests: deque[tuple[float, str]] = deque(maxlen=MAX_REQUESTS)
        self.take_inbound = self._take_inbound
        self.create_inbound_id = lambda: self._create_sid("CA")

    async def _take_inbound(self, live: HandsetCall) -> None:
        await CallExecution(self, live, HANDLERS).run_inbound(self.inbound)

    def record_violation(self, code: int, call: Call, message: str) -> None:
        """Record an error of the owner's webhooks or documents."""
        self.violations.record(code, call.sid, message)
        call.lines.append(TranscriptLine("note", f"⚠ {code} {message}"))
        self.notify_change()

    # --- calls

    def create_call(self, to: str, caller: str, plan: CallPlan) -> Call:
        """Create a call over REST; it starts at once, in the background."""
        live = self.start_leg(self._build_call(to, caller, "outbound-api", plan))
        self.run(live, CallExecution(self, live, HANDLERS).run_outbound())
        return live.call

    def create_second_leg(self, to: str, caller: str, parent_sid: str, plan: CallPlan) -> HandsetCall:
        """Create the second leg of a Dial; the first leg's execution runs it."""
        canonical = to_e164(to)
        call = self._build_call(canonical, caller, "outbound-dial", plan, parent_sid=parent_sid)
        return self.start_leg(call, FAILED if not canonical.startswith("+") else None)

    def _build_call(
        self, to: str, caller: str, direction: str, plan: CallPlan, status: str = "queued",
        parent_sid: str | None = None,
    ) -> Call:  # fmt: skip
        return Call(self._create_sid("CA"), to, caller, direction, self.now(), status, parent_sid, plan=plan)

    # --- texts and recordings

    def send_sms(self, to: str, sender: str, body: str, status: HookUrl | None) -> Sms:
        """Deliver an SMS at once; report sent and delivered to `status`."""
        sms = Sms(self._create_sid("SM"), to, sender, body, self.now())
        self.messages.append(sms)
        self.get_phone(to).sms.append(sms)
        for word in ("sent", "delivered"):
            sms.status = word
            if status is not None:
                facts = {"MessageSid": sms.sid, "SmsSid": sms.sid, "AccountSid": self.sid, "From": sender, "To": to}
                words = {"MessageStatus": word, "SmsStatus": word, "ApiVersion": "2010-04-01"}
                self.webhooks.post_in_background(f"sms {sms.sid} {word}", status, facts | words)
        self.notify_change()
        return sms

    def store_recording(self, call_sid: str, seconds: int, words: str) -> str:
        """Store a recording; return its RecordingUrl."""
        recording = Recording(self._create_sid("RE"), call_sid, seconds, words, self.now())
        self.recordings[recording.sid] = recording
        return f"{self.api_url}/2010-04-01/Accounts/{self.sid}/Recordings/{recording.sid}"

    def _create_sid(self, kind: str) -> str:
        return kind + self._random_bytes(16).hex()
