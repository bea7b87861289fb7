"""The telephones of a rehearsal, whoever rings them: numbers, calls in progress, SMS received, recordings."""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime

import phonenumbers

from sandbox.broadcast import Broadcast
from sandbox.in_flight import InFlight
from sandbox.telephone.behaviour import BUSY, NO_ANSWER, Behaviour
from sandbox.telephone.handset import Phone
from sandbox.telephone.handset_call import HandsetCall
from sandbox.telephone.model import Call, Recording, Sms

HOME_REGION = "CN"


def to_e164(number: str) -> str:
    """Convert a number to E.164; anything else is returned as given (short codes, nonsense)."""
    try:
        parsed = phonenumbers.parse(number, HOME_REGION)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


class Exchange:
    """Every telephone, and the calls of all carriers.

    `default` is how unknown numbers behave; with `call_waiting` off a phone in a call is busy. A person who calls the
    office is put through by `take_inbound`, of the carrier that has its number, under an id of `create_inbound_id`.
    """

    take_inbound: Callable[[HandsetCall], Coroutine[None, None, None]]
    create_inbound_id: Callable[[], str]

    def __init__(
        self,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        own_number: str,
        broadcast: Broadcast,
        in_flight: InFlight,
    ) -> None:
        self.now = now
        self.monotonic = monotonic
        self.own_number = own_number
        self.broadcast = broadcast
        self.in_flight = in_flight
        self.default: Behaviour = NO_ANSWER
        self.call_waiting = True
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

    def start_inbound_call(self, phone: Phone, caller_id: str, behaviour: Behaviour) -> HandsetCall:
        """Start a call from a person to the office number."""
        call = Call(self.create_inbound_id(), self.own_number, caller_id, "inbound", self.now(), "ringing")
        live = self.add_call(phone, call, behaviour)
        live.answer()
        self.live_calls[live.sid] = live
        self.run(live, self.take_inbound(live))
        return live

    def start_leg(self, call: Call, behaviour: Behaviour | None = None) -> HandsetCall:
        """Begin to ring a telephone."""
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

    def run(self, live: HandsetCall, coroutine: Awaitable[None]) -> None:
        """Run a call in the background until it ends."""

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
