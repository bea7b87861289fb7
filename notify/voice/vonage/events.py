"""Reads Vonage's webhooks as untrusted input: JSON objects of answers, events, input and recordings."""

import json
import math
from collections.abc import Mapping
from typing import Any

from notify.carrier import AnsweredBy, CallEvent, CallStatus
from notify.driver import HookRefused

STATUSES = {
    "started": CallStatus.QUEUED,
    "ringing": CallStatus.RINGING,
    "answered": CallStatus.IN_PROGRESS,
    "completed": CallStatus.COMPLETED,
    "busy": CallStatus.BUSY,
    "timeout": CallStatus.NO_ANSWER,
    "unanswered": CallStatus.NO_ANSWER,
    "rejected": CallStatus.FAILED,
    "failed": CallStatus.FAILED,
    "cancelled": CallStatus.CANCELED,
}
ANSWERERS = {"human": AnsweredBy.HUMAN, "machine": AnsweredBy.MACHINE}
#: a JSON object, ours to write or only to read
Fields = dict[str, Any]
Object = Mapping[str, Any]
#: prices are in euros
CURRENCY = "EUR"
#: characters kept of pressed digits, of speech, and of any other field; keys of one object
DIGITS_LIMIT, SPEECH_LIMIT, FIELD_LIMIT, MAX_FIELDS = 64, 500, 512, 200


def parse_body(body: bytes) -> Fields:
    """Return the object of a body. Raises HookRefused 400 for anything else."""
    if not body:
        return {}
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise HookRefused(400) from None
    if not isinstance(found, dict) or len(found) > MAX_FIELDS:
        raise HookRefused(400)
    return found


def parse_event(fields: Object, *, leg: bool = False) -> CallEvent:
    """Parse a webhook; never raises. `leg`: of the second leg of a bridge, whose id is not the call's."""
    dtmf, speech = _get_object(fields, "dtmf"), _get_object(fields, "speech")
    results = speech.get("results")
    best = results[0] if isinstance(results, list) and results and isinstance(results[0], dict) else {}
    status = STATUSES.get(read_text(fields, "status"), CallStatus.NOT_GIVEN)
    seconds = parse_count(fields.get("duration"))
    recording = read_text(fields, "recording_url") if "recording_uuid" in fields else ""
    return CallEvent(
        provider_id="" if leg else read_text(fields, "uuid") or read_text(fields, "call_uuid"),
        status=CallStatus.NOT_GIVEN if leg else status,
        digits=read_text(dtmf, "digits", DIGITS_LIMIT),
        speech=read_text(best, "text", SPEECH_LIMIT),
        confidence=_parse_fraction(best.get("confidence")),
        answered_by=ANSWERERS.get(read_text(fields, "status"), AnsweredBy.NOT_GIVEN),
        duration=None if leg else seconds,
        recording_url=recording,
        from_=_to_e164(read_text(fields, "from")),
        to=_to_e164(read_text(fields, "to")),
        error_code=read_text(fields, "reason", 64),
        leg_status=status if leg else CallStatus.NOT_GIVEN,
        leg_duration=seconds if leg else None,
        cost=read_cost(fields),
    )


def read_text(fields: Object, name: str, limit: int = FIELD_LIMIT) -> str:
    """Return a text, "" for anything else; lone surrogates are dropped."""
    value = fields.get(name)
    return value.encode("utf-8", "ignore").decode()[:limit] if isinstance(value, str) else ""


def parse_count(said: object) -> int | None:
    """Parse whole seconds, given as a number or as digits."""
    text = str(said) if isinstance(said, int) and not isinstance(said, bool) else said
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 9 else None


def read_cost(fields: Object) -> str | None:
    """Return the price of an ended call as "amount currency"; None without one."""
    price = _parse_number(fields.get("price"))
    return f"{fields['price']} {CURRENCY}" if price else None


def _get_object(fields: Object, name: str) -> Object:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _to_e164(number: str) -> str:
    return f"+{number}" if number.isascii() and number.isdigit() and 7 <= len(number) <= 15 else number


def _parse_number(said: object) -> float | None:
    try:
        value = float(said) if isinstance(said, str | int | float) else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _parse_fraction(said: object) -> float | None:
    value = _parse_number(said)
    return value if value is not None and value <= 1 else None


def _refuse(word: str) -> None:
    raise ValueError(word)
