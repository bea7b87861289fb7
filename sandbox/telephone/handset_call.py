"""One call on one handset: the person's side and the carrier's side."""

# ruff: noqa: ASYNC109 - a timeout parameter in seconds is part of the interface
import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.broadcast import Broadcast
from sandbox.telephone.behaviour import Behaviour, HangUp, Keys, Prompt, Reply, ScriptRunner, Silence, Speech
from sandbox.telephone.model import Call, Pickup, TranscriptLine

PATIENCE_SECONDS = 5.0  # real seconds a test waits by default
READING_SECONDS = 0.22  # of speech for one character of a prompt
THINKING_SECONDS = 2.0  # simulated, before an automatic person replies
RING_POLL_SECONDS = 0.02  # between checks of the clock while a manually operated telephone rings


class HungUp(Exception):
    """The person hung up while the carrier was waiting for or speaking to them."""


@dataclass(frozen=True)
class InputRequest:
    """The input the carrier waits for: kinds, timeout in seconds, number of keys, finishing keys."""

    accepts: frozenset[str]
    timeout: float
    num_digits: int | None = None
    finish_on: str = "#"


class HandsetCall:
    """One call on one handset. Tests and the page press, speak and hang up here."""

    def __init__(
        self,
        call: Call,
        number: str,
        behaviour: Behaviour,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        broadcast: Broadcast,
    ) -> None:
        self.call = call
        self.number = number  # of this handset, E.164
        self.now = now
        self.monotonic = monotonic
        self.broadcast = broadcast
        self.behaviour = behaviour
        self.script_runner = ScriptRunner(behaviour.script)
        self.peer: HandsetCall | None = None
        self._events: asyncio.Queue[Reply] = asyncio.Queue()
        self._unheard: list[str] = []
        self._answer: asyncio.Future[Pickup] = asyncio.get_running_loop().create_future()
        self._searched_lines = 0
        self._reading_seconds = 0.0
        self._answered_at: float | None = None
        self.rings_until: datetime | None = None  # set while a manually operated telephone rings
        self.has_hung_up = False  # the person has hung up, though the carrier may not have noticed yet

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
        self._set_pickup(Pickup.ANSWER)

    def reject(self) -> None:
        """Reject the ringing call."""
        self._set_pickup(Pickup.REJECT)

    def press(self, keys: str) -> None:
        """Press keys of the keypad."""
        self._enqueue(Keys(keys))

    def say(self, text: str, confidence: float = 0.92) -> None:
        """Speak; `confidence` is what the recogniser will report."""
        self._enqueue(Speech(text, confidence))

    def stay_silent(self) -> None:
        """Stay silent until the carrier's timeout, without the wait."""
        self._enqueue(Silence())

    def hang_up(self) -> None:
        """Hang up (a ringing call is rejected)."""
        if self._answer.done():
            self.has_hung_up = True
            self._enqueue(HangUp())
        else:
            self.reject()

    async def wait_to_hear(self, part: str, timeout: float = PATIENCE_SECONDS) -> str:
        """Wait until the person is told something containing `part`, after what was waited for before."""

        def find_line() -> str | None:
            for place, line in enumerate(self.call.lines[self._searched_lines :], self._searched_lines):
                if line.who == "line" and part in line.text:
                    self._searched_lines = place + 1
                    return line.text
            return None

        try:
            return await self.broadcast.wait(find_line, timeout)
        except TimeoutError:
            raise AssertionError(f"{self.number} never heard {part!r} but: {self.heard!r}") from None

    async def wait_until_over(self, timeout: float = PATIENCE_SECONDS) -> str:
        """Wait for the end of the call; return its final status."""
        return await self.broadcast.wait(lambda: self.call.status if self.ended else None, timeout)

    def _set_pickup(self, pickup: Pickup) -> None:
        if not self._answer.done():
            self._answer.set_result(pickup)
            self.broadcast.notify()

    def _enqueue(self, reply: Reply) -> None:
        self._events.put_nowait(reply)
        self.broadcast.notify()

    # --- what the network does

    @property
    def is_manual(self) -> bool:
        """Whether a test or the page operates this handset."""
        return self.behaviour.pickup is Pickup.MANUAL

    def cancel(self) -> None:
        """End the call from the network's side."""
        self._set_pickup(Pickup.CANCELED)
        self.has_hung_up = True
        self._enqueue(HangUp())

    async def ring(self, timeout: float) -> Pickup:
        """Ring and return the result: by behaviour at once; by hand within `timeout` seconds, real or simulated."""
        if self.is_manual:
            until = self.monotonic() + timeout
            self.rings_until = self.now() + timedelta(seconds=timeout)
            while not self._answer.done():
                await asyncio.wait((self._answer,), timeout=min(RING_POLL_SECONDS, timeout))
                over = self.monotonic() >= until or self.now() >= self.rings_until
                if over and not self._answer.done():
                    self._set_pickup(Pickup.NO_ANSWER)
            self.rings_until = None
        if not self._answer.done():
            self._set_pickup(self.behaviour.pickup)
        return self._answer.result()

    def start_clock(self) -> None:
        """Start counting the seconds of the answered call."""
        self._answered_at = self.monotonic()

    def count_seconds(self, seconds: float) -> None:
        """Count seconds of the call: simulated ones, or the real time when operated by hand."""
        if not self.is_manual:
            self.call.elapsed += seconds
        elif self._answered_at is not None:
            self.call.elapsed = self.monotonic() - self._answered_at

    def speak_to(self, text: str, language: str = "") -> None:
        """Speak to the person. Raises HungUp when they have hung up."""
        if self.has_hung_up:
            raise HungUp
        self.add_line("line", text, language)
        self._unheard.append(text)
        self._reading_seconds += len(text) * READING_SECONDS
        self.count_seconds(len(text) * READING_SECONDS)

    def add_line(self, who: str, text: str, language: str = "") -> None:
        """Add a line to the transcript."""
        self.call.lines.append(TranscriptLine(who, text, language))
        self.broadcast.notify()

    def drop_keys(self) -> None:
        """Drop keys pressed before the prompt. Raises HungUp when the person has hung up."""
        if self.has_hung_up:
            raise HungUp
        while not self._events.empty():
            self._events.get_nowait()

    async def wait_for_input(self, request: InputRequest) -> Keys | Speech | Silence:
        """Wait for the person's input to a prompt. Raises HungUp."""
        answer = await (self._get_manual_input(request) if self.is_manual else self._get_scripted_input(request))
        self._unheard.clear()
        self._reading_seconds = 0.0
        if isinstance(answer, Keys):
            self.call.keys += answer.digits
            self.add_line("person", answer.digits)
        elif isinstance(answer, Speech):
            self.add_line("person", answer.text)
        return answer

    async def _get_scripted_input(self, request: InputRequest) -> Keys | Speech | Silence:
        if self.behaviour.pickup is Pickup.MACHINE:
            reply: Reply = Silence()
        else:
            reply = await self.script_runner.reply(Prompt("".join(self._unheard), request.accepts))
        if self.has_hung_up or isinstance(reply, HangUp):
            self.has_hung_up = True
            raise HungUp
        if isinstance(reply, Keys) and "keys" in request.accepts:
            reply = Keys(_cut_keys(reply.digits, request))
        is_accepted = (isinstance(reply, Keys) and reply.digits) or (
            isinstance(reply, Speech) and request.accepts - {"keys"}
        )
        self.count_seconds(THINKING_SECONDS if is_accepted else request.timeout)
        return reply if is_accepted and not isinstance(reply, HangUp) else Silence()

    async def _get_manual_input(self, request: InputRequest) -> Keys | Speech | Silence:
        digits = ""
        timeout = request.timeout + self._reading_seconds
        while True:
            try:
                event = await asyncio.wait_for(self._events.get(), timeout)
            except TimeoutError:
                event = Silence()
            self.count_seconds(0)
            timeout = request.timeout
            match event:
                case HangUp():
                    raise HungUp
                case Speech() if request.accepts - {"keys"}:
                    return event
                case Keys(pressed) if "keys" in request.accepts:
                    for key in pressed:
                        if key in request.finish_on and digits:
                            return Keys(digits)
                        if key in request.finish_on:
                            continue
                        digits += key
                        if len(digits) == request.num_digits:
                            return Keys(digits)
                case Silence():
                    return Keys(digits) if digits else Silence()

    async def wait_for_event(self) -> Reply:
        """Wait without limit for the next action on this handset."""
        return await self._events.get()


def _cut_keys(digits: str, request: InputRequest) -> str:
    for place, key in enumerate(digits):
        if key in request.finish_on:
            return digits[:place]
    return digits[: request.num_digits] if request.num_digits else digits
