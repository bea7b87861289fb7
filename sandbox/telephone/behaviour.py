"""How a simulated telephone behaves when it rings: operated by hand, or by a script."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from sandbox.telephone.model import Pickup

KEYPAD = frozenset("0123456789*#")
DEFAULT_CONFIDENCE = 0.92


@dataclass(frozen=True)
class Keys:
    """Key presses, in order."""

    digits: str


@dataclass(frozen=True)
class Speech:
    """Spoken text, with the recogniser's confidence (0-1)."""

    text: str
    confidence: float = DEFAULT_CONFIDENCE


@dataclass(frozen=True)
class Silence:
    """No input until the carrier's timeout."""


@dataclass(frozen=True)
class HangUp:
    """The person hangs up."""


Reply = Keys | Speech | Silence | HangUp


@dataclass(frozen=True)
class Prompt:
    """What the person has heard since their last reply, and which input is expected now."""

    text: str
    accepts: frozenset[str]  # of keys, speech, recording


Script = Callable[[Prompt], "Reply | str | Awaitable[Reply | str | None] | None"]


@dataclass(frozen=True)
class Behaviour:
    """What a ringing number does; `ring_seconds` are simulated, `answered_by` is the detection's result."""

    pickup: Pickup
    script: Script | Sequence[Reply | str] = ()
    ring_seconds: float = 4.0
    answered_by: str = "human"


MANUAL = Behaviour(Pickup.MANUAL)
BUSY = Behaviour(Pickup.BUSY)
NO_ANSWER = Behaviour(Pickup.NO_ANSWER)
FAILED = Behaviour(Pickup.FAILED)
REJECT = Behaviour(Pickup.REJECT)
MACHINE = Behaviour(Pickup.MACHINE, answered_by="machine_start")


def answer_with(script: Script | Sequence[Reply | str] = (), *, ring_seconds: float = 4.0) -> Behaviour:
    """Build a behaviour that answers and follows a script: a callable, or one reply per prompt, then silence."""
    return Behaviour(Pickup.ANSWER, script, ring_seconds)


def as_reply(given: Reply | str | None) -> Reply:
    """Convert to a reply: keys for "12#", silence for None or "", speech for other text."""
    if not given:
        return Silence()
    if isinstance(given, str):
        return Keys(given) if set(given) <= KEYPAD else Speech(given)
    return given


class ScriptRunner:
    """Runs a person's script during one call."""

    def __init__(self, script: Script | Sequence[Reply | str]) -> None:
        self._script = script if callable(script) else None
        self._replies: Iterator[Reply | str] = iter(()) if callable(script) else iter(script)

    async def reply(self, prompt: Prompt) -> Reply:
        """Return the person's reply to a prompt."""
        if self._script is None:
            return as_reply(next(self._replies, None))
        given = self._script(prompt)
        return as_reply(await given if inspect.isawaitable(given) else given)
