"""Translates between Twilio and our types: reads webhooks as untrusted input, writes prompts as TwiML."""

import math

from twilio.twiml.voice_response import Dial, Gather, VoiceResponse  # type: ignore[import-untyped]

from notify.carrier import AnsweredBy, CallEvent, CallStatus, FormFields, to_pairs
from notify.message import Prompt
from notify.plain_text import make_sayable

#: characters of one sentence, and of one whole turn (FW13): about two minutes of speech
SAY_LIMIT, TURN_LIMIT = 500, 1500
#: characters kept of pressed digits, of speech, and of any other field
DIGITS_LIMIT, SPEECH_LIMIT, FIELD_LIMIT = 64, 500, 512

STATUSES = {status.value: status for status in CallStatus} | {
    "initiated": CallStatus.QUEUED,
    "answered": CallStatus.IN_PROGRESS,
}
ANSWERERS = {
    "human": AnsweredBy.HUMAN,
    "machine_start": AnsweredBy.MACHINE,
    "machine_end_beep": AnsweredBy.MACHINE,
    "machine_end_silence": AnsweredBy.MACHINE,
    "machine_end_other": AnsweredBy.MACHINE,
    "machine": AnsweredBy.MACHINE,
    "fax": AnsweredBy.FAX,
    "unknown": AnsweredBy.UNKNOWN,
}


def parse_call(params: FormFields) -> CallEvent:
    """Parse a voice webhook. The last of a repeated field counts; invalid values read as absent (FW8)."""
    fields = dict(to_pairs(params))

    def text(name: str, limit: int = FIELD_LIMIT) -> str:
        return fields.get(name, "")[:limit]

    digits = text("Digits", DIGITS_LIMIT)
    return CallEvent(
        provider_id=text("CallSid"),
        status=STATUSES.get(text("CallStatus"), CallStatus.NOT_GIVEN),
        sequence=parse_count(text("SequenceNumber")),
        # a caller who hangs up while recording "presses" the word hangup
        digits="" if digits == "hangup" else digits,
        speech=text("SpeechResult", SPEECH_LIMIT),
        confidence=_parse_fraction(text("Confidence")),
        answered_by=ANSWERERS.get(text("AnsweredBy"), AnsweredBy.NOT_GIVEN),
        duration=parse_count(text("CallDuration")),
        recording_url=text("RecordingUrl"),
        from_=text("From"),
        to=text("To"),
        account=text("AccountSid"),
        error_code=text("ErrorCode"),
        leg_status=STATUSES.get(text("DialCallStatus"), CallStatus.NOT_GIVEN),
        leg_duration=parse_count(text("DialCallDuration")),
    )


def parse_count(said: str) -> int | None:
    """Parse a count as carriers write it: up to nine ASCII digits, else None."""
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 9 else None


def _parse_fraction(said: str) -> float | None:
    try:
        value = float(said)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None


def render_twiml(prompt: Prompt, next_url: str, voice: str) -> str:
    """Render the prompt as TwiML: always well-formed and of limited length (FW13, G15)."""
    twiml = VoiceResponse()
    if prompt.pause > 0:
        twiml.pause(length=prompt.pause)
    speaker = twiml
    if ask := prompt.ask:
        speaker = Gather(
            input="dtmf speech" if ask.speech else "dtmf",
            action=next_url,
            method="POST",
            # silence is an answer too: it must reach us instead of ending the call
            action_on_empty_result=True,
            # a count would leave the finishing key, or a digit too many, for the next question (XM10)
            num_digits=None if ask.finish_on_key else ask.digits,
            finish_on_key=ask.finish_on_key,
            timeout=ask.timeout,
            language=ask.language if ask.speech else None,
            hints=_join_hints(ask.hints) if ask.speech else None,
            speech_timeout="auto" if ask.speech else None,
        )
    for words in _limit_turn(prompt.say):
        speaker.say(words, language=prompt.language, voice=voice or None)
    if prompt.ask:
        twiml.append(speaker)
    elif record := prompt.record:
        twiml.record(
            action=next_url,
            method="POST",
            max_length=record.seconds,
            finish_on_key=record.finish_on_key,
            timeout=5,
            play_beep=True,
        )
        # Twilio does not call the action for an empty recording
        twiml.redirect(next_url, method="POST")
    elif attempt := prompt.connect:
        bridge = Dial(
            action=next_url,
            method="POST",
            timeout=attempt.ring_seconds,
            answer_on_bridge=True,
            caller_id=attempt.caller or None,
            record="record-from-answer-dual" if attempt.record else None,
        )
        bridge.number(attempt.number, url=attempt.announce_url or None, method="POST" if attempt.announce_url else None)
        twiml.append(bridge)
    elif prompt.then == "next":
        twiml.redirect(next_url, method="POST")
    elif prompt.then == "hangup":
        twiml.hangup()
    return str(twiml)


def _limit_turn(say: tuple[str, ...]) -> list[str]:
    left, turn = TURN_LIMIT, []
    for sentence in say:
        words = make_sayable(sentence, min(SAY_LIMIT, left)) if left > 1 else ""
        if words:
            turn.append(words)
            left -= len(words)
    return turn


def _join_hints(hints: tuple[str, ...]) -> str | None:
    return ",".join(make_sayable(hint, 100).replace(",", " ") for hint in hints[:500]) or None
