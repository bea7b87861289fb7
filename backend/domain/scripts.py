"""Runs telephone scripts, which are data; knows no provider and no clock (P1, P2, V0-V8).

`start` and `advance` return a Turn: what to say, what to ask, what the service must do, or the end.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from backend.domain import speech_parser
from backend.domain.script_files import Script, ScriptBranch, ScriptStep

Facts = Mapping[str, Any]
_DIGITS = frozenset("0123456789")


class EffectKind(StrEnum):
    """What a turn of a call means for the service that placed it."""

    NOTIFIED = "notified"  # 已通知, not signed (Q43)
    SIGN_REQUESTED = "sign_requested"  # facts: pin, absent when it was checked before
    CHECK_PIN = "check_pin"  # facts: pin
    CHECK_TAIL = "check_tail"  # facts: pin, the last digits of a ticket's number (FW25)
    PIN_FAILED = "pin_failed"
    BRIDGE_DUTY = "bridge_duty"
    ANSWER = "answer"  # facts: contacted | resolved | satisfaction; the last one of a call counts
    COMPLAINT = "complaint"  # complaint, or doubt: never deemed satisfied (Q39)
    WANT_PERSON = "want_person"
    DANGER = "danger"
    NO_MORE_VISITS = "no_more_visits"  # FW33
    WRONG_PERSON = "wrong_person"
    CALL_LATER = "call_later"
    RECORD_REASON = "record_reason"  # facts: recording, speech
    REACHED = "reached"  # the requester took the connected call (P3)
    NOT_REACHED = "not_reached"  # they were busy or did not take it (B49)


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect with its facts; facts are kept out of `repr`, they may include a PIN."""

    kind: EffectKind
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class CallInput:
    """Input of a call: keys, speech (confidence 0..1 or None), a recording's address, or the service's verdict."""

    digits: str = field(default="", repr=False)
    speech: str = field(default="", repr=False)
    confidence: float | None = None
    timed_out: bool = False
    recording: str = ""
    verdict: str = ""  # answer to Turn.needs: ok, wrong, locked, refused, none
    leg_status: str = ""  # how a connected second leg ended: completed, busy, no-answer, failed, canceled


@dataclass(frozen=True, slots=True)
class Position:
    """Where a call is in its script; small enough for a callback URL (`as_text`, `from_text`)."""

    step: str
    odd: int = 0
    silent: int = 0
    repeats: int = 0
    tries: int = 0
    keys_only: bool = False

    def as_text(self) -> str:
        """`step.odd.silent.repeats.tries.keys_only`"""
        counts = (self.odd, self.silent, self.repeats, self.tries, int(self.keys_only))
        return ".".join([self.step, *map(str, counts)])

    @classmethod
    def from_text(cls, text: str) -> "Position":
        """Parse what `as_text` wrote; raises ValueError for anything else."""
        step, *counts = text.split(".")
        if len(counts) != 5 or not all(c.isascii() and c.isdigit() and len(c) < 4 for c in counts):
            raise ValueError("not a position")
        odd, silent, repeats, tries, keys_only = map(int, counts)
        return cls(step, odd, silent, repeats, tries, bool(keys_only))


@dataclass(frozen=True, slots=True)
class Ask:
    """What to listen for: keys (up to `digits`, or until `finish_on`), speech, or a recording; time-out in seconds."""

    digits: int
    finish_on: str
    speech: bool
    timeout_s: int
    record: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """A text key with the facts that fill it."""

    key: str
    facts: Facts = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """The next turn. Exactly one of `ask`, `needs` and `end` is set, or `bridge` alone: connect, then `advance`.

    `needs` (pin, sign): perform the effects, then call `advance` with `Heard(verdict=…)`;
    `end`: the outcome of contract §5; `bridge` (duty, supervisor, requester): connect after speaking.
    """

    position: Position
    say: tuple[Say, ...] = ()
    ask: Ask | None = None
    effects: tuple[Effect, ...] = ()
    needs: str = ""
    end: str = ""
    bridge: str = ""


def start(script: Script, facts: Facts) -> Turn:
    """Return the first turn of a call. `speech: False` among the facts turns listening off."""
    return _enter(script, Position(script.first), facts)


def end_as_stale(script: Script, facts: Facts) -> Turn:
    """Return a polite end for a matter settled meanwhile (FW9); no effects."""
    return _enter(script, Position(script.stale), facts)


def advance(script: Script, position: Position, received: CallInput, facts: Facts) -> Turn:
    """Return the turn after an input. A finished or unknown position ends politely without effects."""
    step = script.steps.get(position.step)
    if step is None or step.end:
        return end_as_stale(script, facts)
    if step.wait:
        branch = step.on.get(received.verdict)
        return _follow(script, position, branch, facts) if branch else end_as_stale(script, facts)
    if step.connect:
        there = step.on.get(received.leg_status) or step.on["canceled"]
        return _follow(script, position, there, facts)
    if step.record:
        return _handle_recording(script, position, step, received, facts)
    digits = clean_digits(received.digits, step.finish_on)
    if digits:
        return _handle_keys(script, position, step, digits, facts)
    if received.speech.strip() and _is_listening(step, position, facts):
        return _handle_speech(script, position, step, received, facts)
    if received.digits and not received.timed_out:
        return _handle_invalid(script, position, step, step.odd, facts)
    return _handle_silence(script, position, step, facts)


def find_hang_up_outcome(script: Script, position: Position) -> str:
    """Return the outcome if the line was cut at this position (FW21)."""
    step = script.steps.get(position.step)
    return (step.end or step.hung_up) if step else script.steps[script.first].hung_up


def clean_digits(digits: str, finish_on: str = "") -> str:
    """Normalise pressed keys: full-width folded, blanks and the finishing key dropped (FW8)."""
    text = unicodedata.normalize("NFKC", digits[:64])
    text = "".join(text.split())
    return text.removesuffix(finish_on) if finish_on else text


def _handle_keys(script: Script, position: Position, step: ScriptStep, digits: str, facts: Facts) -> Turn:
    if step.digits > 1:
        complete = len(digits) == step.digits and set(digits) <= _DIGITS
        branch = step.on.get("digits") if complete else None
        return _follow(script, position, branch, facts, digits) if branch else _handle_invalid(
            script, position, step, step.odd, facts
        )  # fmt: skip
    branch = step.on.get(digits)
    if branch is None or (branch.when and not facts.get(branch.when) and not branch.otherwise):
        return _handle_invalid(script, position, step, step.odd, facts)
    return _follow(script, position, branch, facts)


def _handle_speech(script: Script, position: Position, step: ScriptStep, received: CallInput, facts: Facts) -> Turn:
    meaning = speech_parser.interpret_answer(step.question, received.speech, received.confidence)
    is_complaint = step.question == "V4" and meaning.complaint
    doubts = (Effect(EffectKind.COMPLAINT),) if is_complaint else ()
    if meaning.danger and script.danger_to:
        return _move(script, position, script.danger_to, facts, doubts)
    if meaning.want_person and script.person_to:
        return _move(script, position, script.person_to, facts, doubts)
    if meaning.key is not None and meaning.key in step.on:
        if meaning.confirm and meaning.key in step.confirm:
            return _move(script, position, step.confirm[meaning.key], facts)
        turn = _handle_keys(script, position, step, meaning.key, facts)
        return replace(turn, effects=doubts + turn.effects)
    position = replace(position, keys_only=position.keys_only or meaning.keys_only)
    limit = step.odd if meaning.keys_only else step.odd_speech
    turn = _handle_invalid(script, position, step, limit, facts)
    return replace(turn, effects=doubts + turn.effects)


def _handle_recording(script: Script, position: Position, step: ScriptStep, received: CallInput, facts: Facts) -> Turn:
    """Go on whatever the recorder returned; silence leaves nothing to store."""
    turn = _move(script, position, step.on["record"].to, facts)
    recorded = {k: v for k, v in (("recording", received.recording), ("speech", received.speech)) if v}
    effects = [Effect(EffectKind.RECORD_REASON, recorded)] if recorded else []
    if received.speech and speech_parser.interpret_satisfaction(received.speech).danger:
        effects.append(Effect(EffectKind.DANGER))
    return replace(turn, effects=(*effects, *turn.effects))


def _follow(script: Script, position: Position, branch: ScriptBranch, facts: Facts, digits: str = "") -> Turn:
    if branch.repeat:
        return _repeat(script, position, facts)
    to = branch.to
    if branch.when and not facts.get(branch.when):
        to = branch.otherwise
    if branch.limit:
        position = replace(position, tries=position.tries + 1)
        to = branch.otherwise if position.tries >= branch.limit else to
    effects = [Effect(EffectKind(word), {"pin": digits} if digits else {}) for word in branch.effects]
    effects += [Effect(EffectKind.ANSWER, branch.answer)] if branch.answer else []
    return _move(script, position, to, facts, tuple(effects), branch)


def _move(
    script: Script, position: Position, to: str, facts: Facts,
    effects: tuple[Effect, ...] = (), branch: ScriptBranch | None = None,
) -> Turn:  # fmt: skip
    there = Position(to, tries=position.tries, keys_only=bool(branch and branch.keys_only))
    turn = _enter(script, there, facts, wrong=bool(branch and branch.wrong))
    return replace(turn, effects=effects + turn.effects)


def _repeat(script: Script, position: Position, facts: Facts) -> Turn:
    step = script.steps[position.step]
    if position.repeats >= step.repeats:
        return _move(script, position, step.odd_to, facts)
    return _say_again(script, replace(position, repeats=position.repeats + 1), facts)


def _handle_invalid(script: Script, position: Position, step: ScriptStep, limit: int, facts: Facts) -> Turn:
    """Ask the question once more, without its opening (XM24); who heard nothing, or asks for it, hears all of it."""
    if position.odd >= limit or _is_patience_over(position, step):
        return _move(script, position, step.odd_to, facts)
    position = replace(position, odd=position.odd + 1)
    if step.wrong:
        return _build_turn(script, position, step.wrong, facts)
    lead = (step.odd_say, script.keys_only_say if position.keys_only else "")
    question = step.ask or step.again or step.say
    return _build_turn(script, position, (*(key for key in lead if key), *question), facts)


def _handle_silence(script: Script, position: Position, step: ScriptStep, facts: Facts) -> Turn:
    if position.silent >= step.silent or _is_patience_over(position, step):
        return _move(script, position, step.silent_to, facts)
    return _say_again(script, replace(position, silent=position.silent + 1), facts)


def _is_patience_over(position: Position, step: ScriptStep) -> bool:
    """Return whether odd keys and silence together were forgiven as often as either is alone (FW8)."""
    return position.odd + position.silent >= max(step.odd, step.silent)


def _say_again(script: Script, position: Position, facts: Facts) -> Turn:
    step = script.steps[position.step]
    return _build_turn(script, position, step.again or step.say, facts)


def _enter(script: Script, position: Position, facts: Facts, wrong: bool = False) -> Turn:
    step = script.steps[position.step]
    if step.when and not facts.get(step.when):
        return _enter(script, replace(position, step=step.otherwise), facts)
    effects = [Effect(EffectKind.ANSWER, step.enter)] if step.enter else []
    effects += [Effect(EffectKind(word)) for word in step.enter_effects]
    turn = _build_turn(script, position, step.wrong if wrong and step.wrong else step.say, facts)
    return replace(turn, effects=tuple(effects))


def _build_turn(script: Script, position: Position, keys: tuple[str, ...], facts: Facts) -> Turn:
    step = script.steps[position.step]
    say = tuple(Say(key, facts) for key in keys)
    if step.end:
        return Turn(position, say, end=step.end, bridge=step.bridge)
    if step.wait:
        return Turn(position, say, needs=step.wait)
    if step.connect:
        return Turn(position, say, bridge=step.connect)
    ask = Ask(step.digits, step.finish_on, _is_listening(step, position, facts), step.timeout_s, step.record)
    return Turn(position, say, ask)


def _is_listening(step: ScriptStep, position: Position, facts: Facts) -> bool:
    return bool(step.question) and not position.keys_only and facts.get("speech", True) is not False
