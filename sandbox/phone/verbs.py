"""Executes each TwiML verb on a simulated call."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.phone.behaviour import HangUp, Keys, Speech
from sandbox.phone.live import Ask, HungUp, LiveCall
from sandbox.phone.model import STATUS_OF, CallPlan, Hook, Pickup
from sandbox.phone.twiml import Verb

if TYPE_CHECKING:
    from sandbox.phone.engine import Execution

BRIDGE_SECONDS = 20.0  # simulated length of a bridged conversation between two automatic people
RECORDED_SECONDS_A_CHARACTER = 0.25
SHORTEST_RECORDING = 2


class Ended(Exception):
    """The document ends the call."""


@dataclass
class Jump:
    """The next document of the call, to be requested with these parameters."""

    hook: Hook | None
    params: dict[str, str] = field(default_factory=dict)


async def say(run: "Execution", verb: Verb) -> Jump | None:
    """Say: speak the text once for each loop."""
    for _ in range(max(1, int(verb.get("loop", "1")))):
        run.live.hear(verb.text, verb.get("language"))
    return None


async def play(run: "Execution", verb: Verb) -> Jump | None:
    """Play: note in the transcript that something is played."""
    run.live.note("note", f"♪ {verb.text or verb.get('digits')}")
    run.live.spend(2)
    return None


async def pause(run: "Execution", verb: Verb) -> Jump | None:
    """Pause: in simulated time; a person by hand does not have to wait."""
    run.live.spend(float(verb.get("length", "1")))
    return None


async def redirect(run: "Execution", verb: Verb) -> Jump | None:
    """Redirect: continue with another document."""
    return Jump(run.address(verb, verb.text))


async def hangup(run: "Execution", verb: Verb) -> Jump | None:
    """Hangup: end the call."""
    raise Ended


async def reject(run: "Execution", verb: Verb) -> Jump | None:
    """Reject: end an incoming call as busy."""
    run.call.start_at = None
    run.finish("busy")
    raise Ended


def _seconds(text: str, default: float) -> float:
    return default if text in ("", "auto") else float(text)


async def gather(run: "Execution", verb: Verb) -> Jump | None:
    """Gather: send keys or speech to the action; silence falls through unless `actionOnEmptyResult` is set."""
    run.live.forget_keys()
    for inner in verb.inside:
        await WORK[inner.name](run, inner)
    kinds = {"dtmf": "keys", "speech": "speech"}
    takes = frozenset(kinds[word] for word in verb.get("input", "dtmf").split())
    count = int(verb.get("numDigits")) if verb.get("numDigits") else None
    ask = Ask(takes, _seconds(verb.get("timeout"), 5.0), count, verb.get("finishOnKey", "#"))
    answer = await run.live.ask(ask)
    match answer:
        case Keys(digits):
            params = {"Digits": digits, "FinishedOnKey": ""}
        case Speech(text, confidence):
            params = {"SpeechResult": text, "Confidence": str(confidence)}
        case _ if verb.get("actionOnEmptyResult") == "true":
            params = {"Digits": ""} if "keys" in takes else {"SpeechResult": "", "Confidence": "0.0"}
        case _:
            return None
    return Jump(run.address(verb), params)


async def record(run: "Execution", verb: Verb) -> Jump | None:
    """Record: store what is said as a recording; silence falls through to the next verb."""
    words, ended_by = await _recorded(run.live, verb)
    if not words and ended_by in ("", "hangup"):
        if ended_by:
            raise HungUp
        return None
    seconds = max(SHORTEST_RECORDING, math.ceil(len(words) * RECORDED_SECONDS_A_CHARACTER))
    url = run.network.keep_recording(run.call.sid, min(seconds, int(verb.get("maxLength", "3600"))), words)
    recording = run.network.recordings[url.rsplit("/", 1)[1]]
    facts = {"RecordingUrl": url, "RecordingSid": recording.sid, "RecordingDuration": str(recording.seconds)}
    _tell_recording(run, verb, facts)
    jump = Jump(run.address(verb), {**facts, "Digits": ended_by})
    if ended_by == "hangup":
        await run.last_request("record", jump)
        raise HungUp
    return jump


async def _recorded(live: LiveCall, verb: Verb) -> tuple[str, str]:
    """Return what was said, and the key (or hangup) that ended it."""
    live.forget_keys()
    ask = Ask(frozenset({"recording", "keys"}), _seconds(verb.get("timeout"), 5.0), 1, "")
    finish_on = verb.get("finishOnKey", "1234567890*#")
    words = ""
    while True:
        try:
            answer = await live.ask(ask)
        except HungUp:
            return words, "hangup"
        if isinstance(answer, Keys) and answer.digits in finish_on:
            return words, answer.digits
        if isinstance(answer, Speech):
            words += answer.text
            live.spend(len(answer.text) * RECORDED_SECONDS_A_CHARACTER)
        if not isinstance(answer, Keys) and (not live.manual or not isinstance(answer, Speech)):
            return words, ""


def _tell_recording(run: "Execution", verb: Verb, facts: dict[str, str]) -> None:
    if not verb.get("recordingStatusCallback"):
        return
    hook = Hook(run.address(verb, verb.get("recordingStatusCallback")).url,
                verb.get("recordingStatusCallbackMethod", "POST"))  # fmt: skip
    params = {"AccountSid": run.network.sid, "CallSid": run.call.sid, "RecordingStatus": "completed", **facts}
    run.network.hooks.post_beside("recording", hook, params)


async def dial(run: "Execution", verb: Verb) -> Jump | None:
    """Dial: ring another number, play its own document to it, join both legs, continue with the action."""
    number = verb.inside[0] if verb.inside else Verb("Number", {}, verb.text)
    events = tuple(number.get("statusCallbackEvent", "completed").split())
    told = Hook(run.address(number, number.get("statusCallback")).url) if number.get("statusCallback") else None
    plan = CallPlan(status=told, events=events, timeout=int(verb.get("timeout", "30")))
    other = run.network.dial_out(number.text, verb.get("callerId") or run.call.to, run.call.sid, plan)
    second = run.beside(other)
    pickup = await _ring(run, other, plan.timeout)
    hung_up = run.live.gone
    if pickup in STATUS_OF:
        second.finish(STATUS_OF[pickup])
    else:
        second.answered()
        second.report("in-progress")
        if number.get("url"):
            await second.talk(run.address(number, number.get("url")), None)
        hung_up = await _talk_together(run.live, other)
        second.finish("completed")
    status = "completed" if second.call.status == "completed" else second.call.status
    facts = {"DialCallStatus": status, "DialCallSid": other.sid, "DialCallDuration": str(second.call.seconds),
             "DialBridged": "true" if status == "completed" else "false"}  # fmt: skip
    if verb.get("record", "do-not-record") != "do-not-record" and status == "completed":
        url = run.network.keep_recording(other.sid, second.call.seconds, other.heard)
        facts["RecordingUrl"] = url
        recorded = {"RecordingUrl": url, "RecordingSid": url.rsplit("/", 1)[1],
                    "RecordingDuration": str(second.call.seconds)}  # fmt: skip
        _tell_recording(run, verb, recorded)
    if not verb.get("action"):
        if hung_up:
            raise HungUp
        return None
    jump = Jump(run.address(verb), facts)
    if hung_up:
        await run.last_request("dial", jump)
        raise HungUp
    return jump


async def _ring(run: "Execution", other: LiveCall, patience: float) -> Pickup:
    """Ring the second person; the first may hang up meanwhile."""
    other.call.status = "ringing"
    run.network.changed()
    ringing = asyncio.ensure_future(other.ring(patience))
    try:
        while not ringing.done():
            waiting = asyncio.ensure_future(run.live.next_event())
            await asyncio.wait({ringing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done() and isinstance(waiting.result(), HangUp):
                other.cancel()
                await ringing
            else:
                waiting.cancel()
        return ringing.result()
    finally:
        ringing.cancel()


async def _talk_together(first: LiveCall, second: LiveCall) -> bool:
    """Join two legs until one hangs up; True when it was the first."""
    if second.ended or second.gone:
        return False
    first.peer, second.peer = second, first
    for live in (first, second):
        live.note("note", "☎")
    if not first.manual and not second.manual:
        first.spend(BRIDGE_SECONDS)
        second.spend(BRIDGE_SECONDS)
        return False
    tasks = {asyncio.ensure_future(live.next_event()): live for live in (first, second)}
    try:
        while True:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                speaker = tasks.pop(task)
                event = task.result()
                if isinstance(event, HangUp):
                    return speaker is first
                if isinstance(event, Speech):
                    speaker.note("person", event.text)
                    listener = second if speaker is first else first
                    listener.note("line", event.text)
                tasks[asyncio.ensure_future(speaker.next_event())] = speaker
    finally:
        for task in tasks:
            task.cancel()
        first.peer = second.peer = None


WORK: dict[str, Callable[["Execution", Verb], Awaitable[Jump | None]]] = {
    "Say": say,
    "Play": play,
    "Pause": pause,
    "Redirect": redirect,
    "Hangup": hangup,
    "Reject": reject,
    "Gather": gather,
    "Record": record,
    "Dial": dial,
}
