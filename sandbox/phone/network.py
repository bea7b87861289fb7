"""The simulated phone network: telephones by number, calls by sid, SMS, recordings."""

import secrets
import time
from collections.abc import Callable, Coroutine
from datetime import datetime

import phonenumbers

from sandbox.bell import Bell
from sandbox.faults import Faults, Violation
from sandbox.phone.behaviour import BUSY, FAILED, NO_ANSWER, Behaviour
from sandbox.phone.engine import Execution
from sandbox.phone.handset import Phone
from sandbox.phone.hooks import Ask, Hooks
from sandbox.phone.live import LiveCall
from sandbox.phone.model import Call, CallPlan, Hook, Line, Recording, Sms
from sandbox.traffic import Traffic

HOME_REGION = "CN"


def e164(number: str) -> str:
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
        public_url: str,
        sid: str,
        token: str,
        own_number: str,
        bell: Bell,
        traffic: Traffic,
        ask: Ask,
    ) -> None:
        self.now = now
        self.public_url = public_url.rstrip("/")
        self.api_url = f"{self.public_url}/sandbox/twilio"
        self.inbound = Hook(f"{self.public_url}/hooks/twilio/inbound")
        self.sid = sid
        self.token = token
        self.own_number = own_number
        self.bell = bell
        self.traffic = traffic
        self.hooks = Hooks(sid, token, ask, traffic)
        self.faults = Faults()
        self.default: Behaviour = NO_ANSWER
        self.call_waiting = True
        self.calls_per_second: float | None = None
        self.refusals: dict[str, int] = {}
        self.violations: list[Violation] = []
        self.phones: dict[str, Phone] = {}
        self.calls: dict[str, Call] = {}
        self.live: dict[str, LiveCall] = {}
        self.messages: list[Sms] = []
        self.recordings: dict[str, Recording] = {}

    @property
    def calls_made(self) -> list[Call]:
        """Every call created over REST, in order; tests check that nobody is called twice."""
        return [call for call in self.calls.values() if call.direction == "outbound-api"]

    def phone(self, number: str) -> Phone:
        """Return the telephone with this number, created if new."""
        known = e164(number)
        if known not in self.phones:
            self.phones[known] = Phone(self, known)
        return self.phones[known]

    def rung_out_at(self, after: datetime) -> datetime | None:
        """Return the next instant after `after` at which a ringing telephone stops."""
        ends = [live.rings_until for live in self.live.values() if live.rings_until is not None]
        return min((end for end in ends if end > after), default=None)

    def changed(self) -> None:
        """Announce a visible change."""
        self.bell.ring()

    def complain(self, code: int, call: Call, words: str) -> None:
        """Record an error of the owner's webhooks or documents."""
        self.violations.append(Violation(code, call.sid, words))
        call.lines.append(Line("note", f"⚠ {code} {words}"))
        self.changed()

    # --- calls

    def create(self, to: str, caller: str, plan: CallPlan) -> Call:
        """Create a call over REST; it starts at once, in the background."""
        live = self._ring(Call(_sid("CA"), to, caller, "outbound-api", self.now(), time.monotonic(), plan=plan))
        self._run(live, Execution(self, live).outbound())
        return live.call

    def dial_out(self, to: str, caller: str, parent_sid: str, plan: CallPlan) -> LiveCall:
        """Create the second leg of a Dial; the first leg's execution runs it."""
        known = e164(to)
        call = Call(_sid("CA"), known, caller, "outbound-dial", self.now(), time.monotonic(), "queued", parent_sid)
        call.plan = plan
        return self._ring(call, FAILED if not known.startswith("+") else None)

    def dial_in(self, phone: Phone, caller_id: str, behaviour: Behaviour) -> LiveCall:
        """Start a call from a person to the office number."""
        call = Call(_sid("CA"), self.own_number, caller_id, "inbound", self.now(), time.monotonic(), "ringing")
        live = LiveCall(self, call, phone, behaviour)
        live.answer()
        self._keep(live)
        self._run(live, Execution(self, live).inbound(self.inbound))
        return live

    def _ring(self, call: Call, behaviour: Behaviour | None = None) -> LiveCall:
        phone = self.phone(call.to)
        if behaviour is None:
            engaged = not self.call_waiting and phone.current is not None
            behaviour = BUSY if engaged else phone.take_behaviour()
        live = LiveCall(self, call, phone, behaviour)
        self._keep(live)
        return live

    def _keep(self, live: LiveCall) -> None:
        self.calls[live.call.sid] = live.call
        self.live[live.call.sid] = live
        live.phone.calls.append(live)
        self.changed()

    def _run(self, live: LiveCall, life: Coroutine[None, None, None]) -> None:
        async def drive() -> None:
            try:
                if live.manual:
                    await life
                else:
                    with self.traffic.moving(f"call {live.sid}"):
                        await life
            finally:
                self.live.pop(live.sid, None)

        self.traffic.spawn(drive())

    def end(self, call: Call) -> None:
        """End a call from the network's side (REST update)."""
        live = self.live.get(call.sid)
        if live is not None:
            live.cancel()

    # --- texts and recordings

    def send_sms(self, to: str, sender: str, body: str, status: Hook | None) -> Sms:
        """Deliver an SMS at once; report sent and delivered to `status`."""
        sms = Sms(_sid("SM"), to, sender, body, self.now())
        self.messages.append(sms)
        self.phone(to).sms.append(sms)
        for word in ("sent", "delivered"):
            sms.status = word
            if status is not None:
                facts = {"MessageSid": sms.sid, "SmsSid": sms.sid, "AccountSid": self.sid, "From": sender, "To": to}
                words = {"MessageStatus": word, "SmsStatus": word, "ApiVersion": "2010-04-01"}
                self.hooks.post_beside(f"sms {sms.sid} {word}", status, facts | words)
        self.changed()
        return sms

    def keep_recording(self, call_sid: str, seconds: int, words: str) -> str:
        """Store a recording; return its RecordingUrl."""
        recording = Recording(_sid("RE"), call_sid, seconds, words, self.now())
        self.recordings[recording.sid] = recording
        return f"{self.api_url}/2010-04-01/Accounts/{self.sid}/Recordings/{recording.sid}"


def _sid(kind: str) -> str:
    return kind + secrets.token_hex(16)
