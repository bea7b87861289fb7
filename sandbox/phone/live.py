"""One call on one handset: the person's side and the carrier's side."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface
import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.phone.behaviour import (
    Behaviour,
    HangUp,
    Keys,
    Mind,
    Prompt,
    Reply,
    Silence,
    Speech,
)
from sandbox.phone.model import Call, Line, Pickup

if TYPE_CHECKING:
    from sandbox.phone.handset import Phone
    from sandbox.phone.network import PhoneNetwork

PATIENCE_SECONDS = 5.0  # real seconds a test waits by default
READING_SECONDS = 0.22  # of speech for one character of a prompt
THINKING_SECONDS = 2.0  # simulated, before an automatic person replies
RING_LOOK_SECONDS = 0.02  # between checks of the clock while a manually operated telephone rings


class HungUp(Exception):
    """The person hung up while the carrier was waiting for or speaking to them."""


@dataclass(frozen=True)
class Ask:
    """The input the carrier waits for: kinds, timeout in seconds, number of keys, finishing keys."""

    takes: frozenset[str]
    timeout: float
    num_digits: int | None = None
    finish_on: str = "#"


class LiveCall:
    """One call on one handset. Tests and the page press, speak and hang up here."""

    def __init__(self, network: "PhoneNetwork", call: Call, phone: "Phone", behaviour: Behaviour) -> None:
        self.network = network
        self.call = call
        self.phone = phone
        self.behaviour = behaviour
        self.mind = Mind(behaviour.script)
        self.peer: LiveCall | None = None
        self._events: asyncio.Queue[Reply] = asyncio.Queue()
        self._unheard: list[str] = []
        self._answer: asyncio.Future[Pickup] = asyncio.get_running_loop().create_future()
        self._looked = 0
        self._reading = 0.0
        self._since: float | None = None
        self.rings_until: datetime | None = None  # set while a manually operated telephone rings
        self.gone = False  # the person has hung up, though the carrier may not have noticed yet

    # --- what the person does

    @property
    def sid(self) -> str:
        """The CallSid."""
        return self.call.sid

    @property
    def ended(self) -> bool:
        """Whether the call has ended."""
        return self.call.ended

    @property
    def heard(self) -> str:
        """Everything said to the person in this call."""
        return self.call.heard

    def answer(self) -> None:
        """Answer the call."""
        self._pick(Pickup.ANSWER)

    def reject(self) -> None:
        """Reject the ringing call."""
        self._pick(Pickup.REJECT)

    def press(self, keys: str) -> None:
        """Press keys of the keypad."""
        self._do(Keys(keys))

    def say(self, text: str, confidence: float = 0.92) -> None:
        """Speak; `confidence` is what the recogniser will report."""
        self._do(Speech(text, confidence))

    def wait_out(self) -> None:
        """Stay silent until the carrier's timeout, without the wait."""
        self._do(Silence())

    def hang_up(self) -> None:
        """Hang up (a ringing call is rejected)."""
        if self._answer.done():
            self.gone = True
            self._do(HangUp())
        else:
            self.reject()

    async def hears(self, part: str, timeout: float = PATIENCE_SECONDS) -> str:
        """Wait until the person is told something containing `part`, after what was waited for before."""

        def look() -> str | None:
            for place, line in enumerate(self.call.lines[self._looked :], self._looked):
                if line.who == "line" and part in line.text:
                    self._looked = place + 1
                    return line.text
            return None

        try:
            return await self.network.bell.wait(look, timeout)
        except TimeoutError:
            raise AssertionError(f"{self.phone.number} never heard {part!r} but: {self.heard!r}") from None

    async def over(self, timeout: float = PATIENCE_SECONDS) -> str:
        """Wait for the end of the call; return its final status."""
        return await self.network.bell.wait(lambda: self.call.status if self.ended else None, timeout)

    def _pick(self, pickup: Pickup) -> None:
        if not self._answer.done():
            self._answer.set_result(pickup)
            self.network.bell.ring()

    def _do(self, reply: Reply) -> None:
        self._events.put_nowait(reply)
        self.network.bell.ring()

    # --- what the network does

    @property
    def manual(self) -> bool:
        """Whether a test or the page operates this handset."""
        return self.behaviour.pickup is Pickup.MANUAL

    def cancel(self) -> None:
        """End the call from the network's side."""
        self._pick(Pickup.CANCELED)
        self.gone = True
        self._do(HangUp())

    async def ring(self, timeout: float) -> Pickup:
        """Ring and return the result: by behaviour at once; by hand within `timeout` seconds, real or simulated."""
        if self.manual:
            until = time.monotonic() + timeout
            self.rings_until = self.network.now() + timedelta(seconds=timeout)
            while not self._answer.done():
                await asyncio.wait((self._answer,), timeout=min(RING_LOOK_SECONDS, timeout))
                over = time.monotonic() >= until or self.network.now() >= self.rings_until
                if over and not self._answer.done():
                    self._pick(Pickup.NO_ANSWER)
            self.rings_until = None
        if not self._answer.done():
            self._pick(self.behaviour.pickup)
        return self._answer.result()

    def start_clock(self) -> None:
        """Start counting the seconds of the answered call."""
        self._since = time.monotonic()

    def spend(self, seconds: float) -> None:
        """Count seconds of the call: simulated ones, or the real time when operated by hand."""
        if not self.manual:
            self.call.elapsed += seconds
        elif self._since is not None:
            self.call.elapsed = time.monotonic() - self._since

    def hear(self, text: str, language: str = "") -> None:
        """Speak to the person. Raises HungUp when they have hung up."""
        if self.gone:
            raise HungUp
        self.note("line", text, language)
        self._unheard.append(text)
        self._reading += len(text) * READING_SECONDS
        self.spend(len(text) * READING_SECONDS)

    def note(self, who: str, text: str, language: str = "") -> None:
        """Add a line to the transcript."""
        self.call.lines.append(Line(who, text, language))
        self.network.bell.ring()

    def forget_keys(self) -> None:
        """Drop keys pressed before the prompt. Raises HungUp when the person has hung up."""
        if self.gone:
            raise HungUp
        while not self._events.empty():
            self._events.get_nowait()

    async def ask(self, ask: Ask) -> Keys | Speech | Silence:
        """Wait for the person's input to a prompt. Raises HungUp."""
        answer = await (self._by_hand(ask) if self.manual else self._by_plan(ask))
        self._unheard.clear()
        self._reading = 0.0
        if isinstance(answer, Keys):
            self.call.keys += answer.digits
            self.note("person", answer.digits)
        elif isinstance(answer, Speech):
            self.note("person", answer.text)
        return answer

    async def _by_plan(self, ask: Ask) -> Keys | Speech | Silence:
        if self.behaviour.pickup is Pickup.MACHINE:
            reply: Reply = Silence()
        else:
            reply = await self.mind.reply(Prompt("".join(self._unheard), self, ask.takes))
        if self.gone or isinstance(reply, HangUp):
            self.gone = True
            raise HungUp
        if isinstance(reply, Keys) and "keys" in ask.takes:
            reply = Keys(_until(reply.digits, ask))
        taken = (isinstance(reply, Keys) and reply.digits) or (isinstance(reply, Speech) and ask.takes - {"keys"})
        self.spend(THINKING_SECONDS if taken else ask.timeout)
        return reply if taken and not isinstance(reply, HangUp) else Silence()

    async def _by_hand(self, ask: Ask) -> Keys | Speech | Silence:
        digits = ""
        patience = ask.timeout + self._reading
        while True:
            try:
                event = await asyncio.wait_for(self._events.get(), patience)
            except TimeoutError:
                event = Silence()
            self.spend(0)
            patience = ask.timeout
            match event:
                case HangUp():
                    raise HungUp
                case Speech() if ask.takes - {"keys"}:
                    return event
                case Keys(pressed) if "keys" in ask.takes:
                    for key in pressed:
                        if key in ask.finish_on and digits:
                            return Keys(digits)
                        if key in ask.finish_on:
                            continue
                        digits += key
                        if len(digits) == ask.num_digits:
                            return Keys(digits)
                case Silence():
                    return Keys(digits) if digits else Silence()

    async def next_event(self) -> Reply:
        """Wait without limit for the next action on this handset."""
        return await self._events.get()


def _until(digits: str, ask: Ask) -> str:
    for place, key in enumerate(digits):
        if key in ask.finish_on:
            return digits[:place]
    return digits[: ask.num_digits] if ask.num_digits else digits
