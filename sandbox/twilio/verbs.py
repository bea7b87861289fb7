"""Executes each TwiML verb on a simulated call."""

import math

from sandbox.telephone.behaviour import Keys, Speech
from sandbox.telephone.handset_call import HandsetCall, HungUp, InputRequest
from sandbox.telephone.joining import bridge, ring_second
from sandbox.telephone.model import STATUS_OF, CallPlan, HookUrl
from sandbox.twilio.execution import CallEnded, CallExecution, Jump, VerbHandlers
from sandbox.twilio.twiml import Verb

RECORDED_SECONDS_PER_CHARACTER = 0.25
SHORTEST_RECORDING = 2


async def say(execution: CallExecution, verb: Verb) -> Jump | None:
    """Say: speak the text once for each loop."""
    for _ in range(max(1, int(verb.get("loop", "1")))):
        execution.live.speak_to(verb.text, verb.get("language"))
    return None


async def play(execution: CallExecution, verb: Verb) -> Jump | None:
    """Play: note in the transcript that something is played."""
    execution.live.add_line("note", f"♪ {verb.text or verb.get('digits')}")
    execution.live.count_seconds(2)
    return None


async def pause(execution: CallExecution, verb: Verb) -> Jump | None:
    """Pause: in simulated time; a person by hand does not have to wait."""
    execution.live.count_seconds(float(verb.get("length", "1")))
    return None


async def redirect(execution: CallExecution, verb: Verb) -> Jump | None:
    """Redirect: continue with another document."""
    return Jump(execution.resolve_url(verb, verb.text))


async def hangup(execution: CallExecution, verb: Verb) -> Jump | None:
    """Hangup: end the call."""
    raise CallEnded


async def reject(execution: CallExecution, verb: Verb) -> Jump | None:
    """Reject: end an incoming call as busy."""
    execution.call.start_at = None
    execution.finish("busy")
    raise CallEnded


def _parse_seconds(text: str, default: float) -> float:
    return default if text in ("", "auto") else float(text)


async def gather(execution: CallExecution, verb: Verb) -> Jump | None:
    """Gather: send keys or speech to the action; silence falls through unless `actionOnEmptyResult` is set."""
    execution.live.drop_keys()
    for inner in verb.children:
        await HANDLERS[inner.name](execution, inner)
    kinds = {"dtmf": "keys", "speech": "speech"}
    takes = frozenset(kinds[word] for word in verb.get("input", "dtmf").split())
    count = int(verb.get("numDigits")) if verb.get("numDigits") else None
    ask = InputRequest(takes, _parse_seconds(verb.get("timeout"), 5.0), count, verb.get("finishOnKey", "#"))
    answer = await execution.live.wait_for_input(ask)
    match answer:
        case Keys(digits):
            params = {"Digits": digits, "FinishedOnKey": ""}
        case Speech(text, confidence):
            params = {"SpeechResult": text, "Confidence": str(confidence)}
        case _ if verb.get("actionOnEmptyResult") == "true":
            params = {"Digits": ""} if "keys" in takes else {"SpeechResult": "", "Confidence": "0.0"}
        case _:
            return None
    return Jump(execution.resolve_url(verb), params)


async def record(execution: CallExecution, verb: Verb) -> Jump | None:
    """Record: store what is said as a recording; silence falls through to the next verb."""
    words, ended_by = await _record_speech(execution.live, verb)
    if not words and ended_by in ("", "hangup"):
        if ended_by:
            raise HungUp
        return None
    seconds = max(SHORTEST_RECORDING, math.ceil(len(words) * RECORDED_SECONDS_PER_CHARACTER))
    url = execution.network.store_recording(execution.call.sid, min(seconds, int(verb.get("maxLength", "3600"))), words)
    recording = execution.network.recordings[url.rsplit("/", 1)[1]]
    facts = {"RecordingUrl": url, "RecordingSid": recording.sid, "RecordingDuration": str(recording.seconds)}
    _report_recording(execution, verb, facts)
    jump = Jump(execution.resolve_url(verb), {**facts, "Digits": ended_by})
    if ended_by == "hangup":
        await execution.send_last_request("record", jump)
        raise HungUp
    return jump


async def _record_speech(live: HandsetCall, verb: Verb) -> tuple[str, str]:
    """Return what was said, and the key (or hangup) that ended it."""
    live.drop_keys()
    ask = InputRequest(frozenset({"recording", "keys"}), _parse_seconds(verb.get("timeout"), 5.0), 1, "")
    finish_on = verb.get("finishOnKey", "1234567890*#")
    words = ""
    while True:
        try:
            answer = await live.wait_for_input(ask)
        except HungUp:
            return words, "hangup"
        if isinstance(answer, Keys) and answer.digits in finish_on:
            return words, answer.digits
        if isinstance(answer, Speech):
            words += answer.text
            live.count_seconds(len(answer.text) * RECORDED_SECONDS_PER_CHARACTER)
        if not isinstance(answer, Keys) and (not live.is_manual or not isinstance(answer, Speech)):
            return words, ""


def _report_recording(execution: CallExecution, verb: Verb, facts: dict[str, str]) -> None:
    if not verb.get("recordingStatusCallback"):
        return
    hook = HookUrl(execution.resolve_url(verb, verb.get("recordingStatusCallback")).url,
                verb.get("recordingStatusCallbackMethod", "POST"))  # fmt: skip
    params = {
        "AccountSid": execution.network.sid,
        "CallSid": execution.call.sid,
        "RecordingStatus": "completed",
        **facts,
    }
    execution.network.webhooks.post_in_background("recording", hook, params)


async def dial(execution: CallExecution, verb: Verb) -> Jump | None:
    """Dial: ring another number, play its own document to it, join both legs, continue with the action."""
    number = verb.children[0] if verb.children else Verb("Number", {}, verb.text)
    events = tuple(number.get("statusCallbackEvent", "completed").split())
    status_hook = (
        HookUrl(execution.resolve_url(number, number.get("statusCallback")).url)
        if number.get("statusCallback")
        else None
    )
    plan = CallPlan(status=status_hook, events=events, timeout=int(verb.get("timeout", "30")))
    other = execution.network.create_second_leg(
        number.text, verb.get("callerId") or execution.call.to, execution.call.sid, plan
    )
    second = execution.create_second_leg(other)
    pickup = await ring_second(execution.live, other, plan.timeout, execution.network.notify_change)
    has_hung_up = execution.live.has_hung_up
    if pickup in STATUS_OF:
        second.finish(STATUS_OF[pickup])
    else:
        second.mark_answered()
        second.report("in-progress")
        if number.get("url"):
            await second.run_documents(execution.resolve_url(number, number.get("url")), None)
        has_hung_up = await bridge(execution.live, other)
        second.finish("completed")
    status = "completed" if second.call.status == "completed" else second.call.status
    facts = {"DialCallStatus": status, "DialCallSid": other.sid, "DialCallDuration": str(second.call.seconds),
             "DialBridged": "true" if status == "completed" else "false"}  # fmt: skip
    if verb.get("record", "do-not-record") != "do-not-record" and status == "completed":
        url = execution.network.store_recording(other.sid, second.call.seconds, other.heard)
        facts["RecordingUrl"] = url
        recorded = {"RecordingUrl": url, "RecordingSid": url.rsplit("/", 1)[1],
                    "RecordingDuration": str(second.call.seconds)}  # fmt: skip
        _report_recording(execution, verb, recorded)
    if not verb.get("action"):
        if has_hung_up:
            raise HungUp
        return None
    jump = Jump(execution.resolve_url(verb), facts)
    if has_hung_up:
        await execution.send_last_request("dial", jump)
        raise HungUp
    return jump


HANDLERS: VerbHandlers = {
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
