"""The simulated phone network: telephones by number, calls by sid, SMS, recordings."""

from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime

import phonenumbers

from sandbox.broadcast import Broadcast
from sandbox.faults import Faults, Violations
from sandbox.in_flight import InFlight
from sandbox.twilio.behaviour import BUSY, FAILED, NO_ANSWER, Behaviour
from sandbox.twilio.execution import CallExecution
from sandbox.twilio.handset import Phone
from sandbox.twilio.handset_call import HandsetCall
from sandbox.twilio.model import Call, CallPlan, HookUrl, Recording, Sms, TranscriptLine
from sandbox.twilio.verbs import HANDLERS
from sandbox.twilio.webhooks import SendRequest, WebhookClient

HOME_REGION = "CN"
MAX_REQUESTS = 100_000  # newest requests kept for tests to inspect


def to_e164(number: str) -> str:
    """Convert a number to E.164; anything else is returned as given (short codes, nonsense)."""
    try:
        parsed = phonenumbers.parse(number, HOME_REGION)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


class PhoneNetwork:
    """One account, its number, and every telephone it may call.

    `default` is how unknown numbers behave; with `call_waiting` off a phone in a call is busy;
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
        self.now = now
        self.monotonic = monotonic
        self._random_bytes = random_bytes
        self.public_url = public_url.rstrip("/")
        self.api_url = f"{self.public_url}/sandbox/twilio"
        self.inbound = HookUrl(f"{self.public_url}/hooks/twilio/inbound")
        self.sid = sid
        self.token = token
        self.own_number = own_number
        self.broadcast = broadcast
        self.in_flight = in_flight
        self.webhooks = WebhookClient(sid, token, send_request, in_flight, random_bytes)
        self.faults = Faults()
        self.default: Behaviour = NO_ANSWER
        self.call_waiting = True
        self.calls_per_second: float | None = None
        self.refusals: dict[str, int] = {}
        self.violations = Violations("twilio")
        self.requests: deque[tuple[float, str]] = deque(maxlen=MAX_REQUESTS)
        self.phones: dict[str, Phone] = {}
        self.calls: dict[str, Call] = {}
        self.live_calls: dict[str, HandsetCall] = {}
        self.messages: list[Sms] = []
        self.recordings: dict[str, Recording] = {}

    @property
    def calls_made(self) -> list[Call]:
        """Every call created over REST, in order; tests check that nobody is called twice."""
        return [call for call in self.calls.values() if call.direction == "outbound-api"]

    def get_phone(self, number: str) -> Phone:
        """Return the telephone with this number, created if new."""
        canonical = to_e164(number)
        if canonical not in self.phones:
            self.phones[canonical] = Phone(self, canonical)
        return self.phones[canonical]

    def find_next_ring_out(self, after: datetime) -> datetime | None:
        """Return the next instant after `after` at which a ringing telephone stops."""
        ends = [live.rings_until for live in self.live_calls.values() if live.rings_until is not None]
        return min((end for end in ends if end > after), default=None)

    def notify_change(self) -> None:
        """Announce a visible change."""
        self.broadcast.notify()

    def record_violation(self, code: int, call: Call, message: str) -> None:
        """Record an error of the owner's webhooks or documents."""
        self.violations.record(code, call.sid, message)
        call.lines.append(TranscriptLine("note", f"⚠ {code} {message}"))
        self.notify_change()

    # --- calls

    def create_call(self, to: str, caller: str, plan: CallPlan) -> Call:
        """Create a call over REST; it starts at once, in the background."""
        live = self._start_leg(self._build_call(to, caller, "outbound-api", plan))
        self._run(live, CallExecution(self, live, HANDLERS).run_outbound())
        return live.call

    def create_second_leg(self, to: str, caller: str, parent_sid: str, plan: CallPlan) -> HandsetCall:
        """Create the second leg of a Dial; the first leg's execution runs it."""
        canonical = to_e164(to)
        call = self._build_call(canonical, caller, "outbound-dial", plan, parent_sid=parent_sid)
        return self._start_leg(call, FAILED if not canonical.startswith("+") else None)

    def start_inbound_call(self, phone: Phone, caller_id: str, behaviour: Behaviour) -> HandsetCall:
        """Start a call from a person to the office number."""
        call = self._build_call(self.own_number, caller_id, "inbound", CallPlan(), status="ringing")
        live = self.add_call(phone, call, behaviour)
        live.answer()
        self.live_calls[live.sid] = live
        self._run(live, CallExecution(self, live, HANDLERS).run_inbound(self.inbound))
        return live

    def _build_call(
        self, to: str, caller: str, direction: str, plan: CallPlan, status: str = "queued",
        parent_sid: str | None = None,
    ) -> Call:  # fmt: skip
        return Call(self._create_sid("CA"), to, caller, direction, self.now(), status, parent_sid, plan=plan)

    def _start_leg(self, call: Call, behaviour: Behaviour | None = None) -> HandsetCall:
        phone = self.get_phone(call.to)
        if behaviour is None:
            engaged = not self.call_waiting and phone.current_call is not None
            behaviour = BUSY if engaged else phone.next_behaviour()
        live = self.add_call(phone, call, behaviour)
        self.live_calls[live.sid] = live
        return live

    def add_call(self, phone: Phone, call: Call, behaviour: Behaviour) -> HandsetCall:
        """Show a call on a telephone."""

        def now() -> datetime:
            return self.now()  # read anew: a test may exchange the network's clock while a telephone rings

        live = HandsetCall(call, phone.number, behaviour, now=now, monotonic=self.monotonic, broadcast=self.broadcast)
        self.calls[call.sid] = call
        phone.calls.append(live)
        self.notify_change()
        return live

    def _run(self, live: HandsetCall, coroutine: Coroutine[None, None, None]) -> None:
        async def run() -> None:
            try:
                if live.is_manual:
                    await coroutine
                else:
                    with self.in_flight.track(f"call {live.sid}"):
                        await coroutine
            finally:
                self.live_calls.pop(live.sid, None)

        self.in_flight.spawn(run())

    def end_call(self, call: Call) -> None:
        """End a call from the network's side (REST update)."""
        live = self.live_calls.get(call.sid)
        if live is not None:
            live.cancel()

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
