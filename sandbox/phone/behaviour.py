"""How a telephone behaves when it rings: by hand, or like a person with thumbs and a plan."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.phone.model import Pickup

if TYPE_CHECKING:
    from sandbox.phone.live import LiveCall

KEYPAD = frozenset("0123456789*#")
DEFAULT_CONFIDENCE = 0.92


@dataclass(frozen=True)
class Keys:
    """Keys pressed one after the other."""

    digits: str


@dataclass(frozen=True)
class Speech:
    """Words spoken, and how sure the recogniser is (0-1)."""

    text: str
    confidence: float = DEFAULT_CONFIDENCE


@dataclass(frozen=True)
class Silence:
    """Nothing, until the line gives up waiting."""


@dataclass(frozen=True)
class HangUp:
    """The receiver put down."""


Reply = Keys | Speech | Silence | HangUp


@dataclass(frozen=True)
class Prompt:
    """What a person has heard since their last reply, and what the line now takes."""

    text: str
    call: "LiveCall"
    takes: frozenset[str]  # of keys, speech, recording


Script = Callable[[Prompt], "Reply | str | Awaitable[Reply | str | None] | None"]


@dataclass(frozen=True)
class Behaviour:
    """What a ringing number does; `ring_seconds` are simulated, `answered_by` is what detection reports."""

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


def answers(script: Script | Sequence[Reply | str] = (), *, ring_seconds: float = 4.0) -> Behaviour:
    """Picks up and follows a script: a callable, or replies given one for each prompt, then silence."""
    return Behaviour(Pickup.ANSWER, script, ring_seconds)


def as_reply(given: Reply | str | None) -> Reply:
    """Keys for "12#", silence for None or "", speech for other words."""
    if not given:
        return Silence()
    if isinstance(given, str):
        return Keys(given) if set(given) <= KEYPAD else Speech(given)
    return given


class Mind:
    """The plan of one person during one call."""

    def __init__(self, script: Script | Sequence[Reply | str]) -> None:
        self._script = script if callable(script) else None
        self._replies: Iterator[Reply | str] = iter(()) if callable(script) else iter(script)

    async def reply(self, prompt: Prompt) -> Reply:
        """What the person does about a prompt."""
        if self._script is None:
            return as_reply(next(self._replies, None))
        given = self._script(prompt)
        return as_reply(await given if inspect.isawaitable(given) else given)
