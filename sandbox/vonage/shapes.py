"""What Vonage takes: the fields of requests and of NCCO actions with their types and bounds; anything else is refused."""

from collections.abc import Callable, Mapping
from typing import Any

#: a JSON object
Fields = dict[str, Any]
Rule = Callable[[object], bool]


class ShapeError(Exception):
    """A document outside the documented form; `where` names the field."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where


def is_url_list(value: object) -> bool:
    """One address, in an array."""
    return isinstance(value, list) and len(value) == 1 and is_url(value[0])


def is_url(value: object) -> bool:
    """An address that can be reached."""
    return isinstance(value, str) and value.startswith(("http://", "https://")) and len(value) <= 4000


def is_number(value: object) -> bool:
    """E.164 without the plus sign."""
    return isinstance(value, str) and value.isascii() and value.isdigit() and 7 <= len(value) <= 15


def is_between(least: float, most: float, kind: type = int) -> Rule:
    """A number (`float`: also with a fraction) within bounds."""
    kinds = (int, float) if kind is float else (int,)
    return lambda value: isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most


def is_one_of(*words: object) -> Rule:
    """One of these values."""
    return lambda value: not isinstance(value, bool) and value in words


def is_bool(value: object) -> bool:
    """True or false, not a word."""
    return isinstance(value, bool)


def is_text(most: int) -> Rule:
    """A text that is not empty."""
    return lambda value: isinstance(value, str) and 0 < len(value) <= most


def has_fields(rules: Mapping[str, Rule], *needed: str) -> Rule:
    """An object of these fields and no other."""
    return lambda value: (
        isinstance(value, dict)
        and all(name in value for name in needed)
        and all(name in rules and rules[name](one) for name, one in value.items())
    )


METHOD = is_one_of("POST", "GET")
HOOK: Mapping[str, Rule] = {"eventUrl": is_url_list, "eventMethod": METHOD}
PHONE: Mapping[str, Rule] = {
    "type": is_one_of("phone"),
    "number": is_number,
    "dtmfAnswer": is_text(50),
    "onAnswer": has_fields({"url": is_url, "ringbackTone": is_url}, "url"),
}
DTMF: Mapping[str, Rule] = {"timeOut": is_between(0, 10), "maxDigits": is_between(1, 20), "submitOnHash": is_bool}
SPEECH: Mapping[str, Rule] = {
    "endOnSilence": is_between(0.4, 10, float),
    "language": is_text(20),
    "startTimeout": is_between(1, 60),
    "maxDuration": is_between(1, 60),
    "saveAudio": is_bool,
    "sensitivity": is_between(10, 100),
    "context": lambda v: isinstance(v, list) and all(isinstance(one, str) and one for one in v),
    "uuid": lambda v: isinstance(v, list) and len(v) == 1,
}
#: action → its fields, and those it cannot do without
ACTIONS: Mapping[str, tuple[Mapping[str, Rule], tuple[str, ...]]] = {
    "talk": (
        {
            "text": is_text(1500),
            "bargeIn": is_bool,
            "loop": is_between(0, 100),
            "level": is_between(-1, 1, float),
            "language": is_one_of("cmn-CN", "cmn-TW", "yue-CN", "en-US", "en-GB"),
            "style": is_between(0, 50),
            "premium": is_bool,
        },
        ("text",),
    ),
    "wait": ({"timeout": is_between(0.1, 7200, float)}, ()),
    "notify": ({"payload": lambda v: isinstance(v, dict), **HOOK}, ("payload", "eventUrl")),
    "input": (
        {
            "type": lambda v: (
                isinstance(v, list) and bool(v) and set(v) <= {"dtmf", "speech"} and len(set(v)) == len(v)
            ),
            "dtmf": has_fields(DTMF),
            "speech": has_fields(SPEECH),
            "mode": is_one_of("synchronous", "asynchronous"),
            **HOOK,
        },
        ("type",),
    ),
    "record": (
        {
            "format": is_one_of("mp3", "wav", "ogg"),
            "split": is_one_of("conversation"),
            "channels": is_between(1, 32),
            "endOnSilence": is_between(3, 10),
            "endOnKey": is_one_of(*"0123456789*#"),
            "timeOut": is_between(3, 7200),
            "beepStart": is_bool,
            **HOOK,
        },
        (),
    ),
    "connect": (
        {
            "endpoint": lambda v: isinstance(v, list) and len(v) == 1 and has_fields(PHONE, "type", "number")(v[0]),
            "from": is_number,
            "eventType": is_one_of("synchronous"),
            "timeout": is_between(1, 120),
            "limit": is_between(1, 7200),
            "machineDetection": is_one_of("continue", "hangup"),
            **HOOK,
        },
        ("endpoint", "from"),
    ),
}
CALL: Mapping[str, Rule] = {
    "to": lambda v: (
        isinstance(v, list)
        and len(v) == 1
        and has_fields(
            {"type": is_one_of("phone"), "number": lambda _: True, "dtmfAnswer": is_text(50)}, "type", "number"
        )(v[0])
    ),
    "from": has_fields({"type": is_one_of("phone"), "number": is_number}, "type", "number"),
    "answer_url": is_url_list,
    "answer_method": METHOD,
    "event_url": is_url_list,
    "event_method": METHOD,
    "machine_detection": is_one_of("continue", "hangup"),
    "length_timer": is_between(1, 7200),
    "ringing_timer": is_between(1, 120),
}
CALL_NEEDS = ("to", "from", "answer_url")
MAX_ACTIONS = 200


def check_fields(given: object, rules: Mapping[str, Rule], needed: tuple[str, ...], where: str) -> None:
    """Raise ShapeError unless it is an object of these fields."""
    if not isinstance(given, dict):
        raise ShapeError(where, "not an object")
    for name in needed:
        if name not in given:
            raise ShapeError(name, "is missing")
    for name, value in given.items():
        if name not in rules:
            raise ShapeError(name, "is unknown")
        if not rules[name](value):
            raise ShapeError(name, "has a wrong type or value")


def check_ncco(document: object) -> list[Fields]:
    """Return the actions of an NCCO. Raises ShapeError."""
    if not isinstance(document, list) or len(document) > MAX_ACTIONS:
        raise ShapeError("ncco", "not a list of actions")
    barging = False
    for action in document:
        name = str(action.get("action")) if isinstance(action, dict) else ""
        if name not in ACTIONS:
            raise ShapeError("action", f"{name!r} is unknown")
        rules, needed = ACTIONS[name]
        check_fields({key: value for key, value in action.items() if key != "action"}, rules, needed, name)
        if barging and name not in ("talk", "input"):
            raise ShapeError("bargeIn", "an input must follow")
        barging = name != "input" and (barging or bool(action.get("bargeIn")))
    if barging:
        raise ShapeError("bargeIn", "an input must follow")
    return document
