"""Parses TwiML strictly: what Twilio would reject is rejected with Twilio's error code."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

MAX_DOCUMENT_BYTES = 64 * 1024
MAX_SAY_CHARACTERS = 4096

Check = Callable[[str], bool]


class TwimlError(Exception):
    """A document or attribute that Twilio rejects; `code` is its error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _integer(low: int, high: int) -> Check:
    return lambda text: text.isascii() and text.isdigit() and low <= int(text) <= high


def _one_of(*words: str) -> Check:
    return lambda text: text in words


def _pattern(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _anything(text: str) -> bool:
    return True


BOOLEAN = _one_of("true", "false")
METHOD = _one_of("GET", "POST")
URL = _pattern(r"\S{1,4000}")
SAY_LANGUAGE = _pattern(r"zh-CN|zh-HK|zh-TW|cmn-CN|cmn-TW|yue-CN|yue-HK|arb|[a-z]{2}-[A-Z]{2}|es-419|en-GB-WLS")
GATHER_LANGUAGE = _pattern(
    r"cmn-Hans-(CN|HK)|cmn-Hant-TW|yue-Hant-HK|zh(-(CN|TW|HK))?|multi|[a-z]{2,3}-[A-Z]{2}|[a-z]{2}"
)
EVENTS = _pattern(r"(initiated|ringing|answered|completed)( (initiated|ringing|answered|completed))*")
RECORDING_EVENTS = _pattern(r"(in-progress|completed|absent)( (in-progress|completed|absent))*")
KEYS = _pattern(r"[0-9#*]*")

RECORDING = {
    "recordingStatusCallback": URL, "recordingStatusCallbackMethod": METHOD,
    "recordingStatusCallbackEvent": RECORDING_EVENTS, "trim": _one_of("trim-silence", "do-not-trim"),
}  # fmt: skip

VERBS: dict[str, dict[str, Check]] = {
    "Say": {"voice": _anything, "language": SAY_LANGUAGE, "loop": _integer(0, 1000)},
    "Play": {"loop": _integer(0, 1000), "digits": _pattern(r"[0-9#*wWA-D]+")},
    "Pause": {"length": _integer(1, 3600)},
    "Redirect": {"method": METHOD},
    "Hangup": {},
    "Reject": {"reason": _one_of("rejected", "busy")},
    "Gather": {
        "input": _one_of("dtmf", "speech", "dtmf speech", "speech dtmf"), "action": URL, "method": METHOD,
        "timeout": lambda text: text == "auto" or _integer(0, 3600)(text),
        "speechTimeout": lambda text: text == "auto" or _integer(0, 3600)(text),
        "maxSpeechTime": _integer(1, 600), "profanityFilter": BOOLEAN, "finishOnKey": KEYS,
        "numDigits": _integer(1, 1000), "partialResultCallback": URL, "partialResultCallbackMethod": METHOD,
        "language": GATHER_LANGUAGE, "hints": lambda text: len(text) <= 50_000, "bargeIn": BOOLEAN, "debug": BOOLEAN,
        "actionOnEmptyResult": BOOLEAN, "speechModel": _anything, "enhanced": BOOLEAN,
    },
    "Record": {
        "action": URL, "method": METHOD, "timeout": _integer(1, 3600), "finishOnKey": KEYS,
        "maxLength": _integer(1, 14_400), "playBeep": BOOLEAN, "transcribe": BOOLEAN, "transcribeCallback": URL,
        **RECORDING,
    },
    "Dial": {
        "action": URL, "method": METHOD, "timeout": _integer(1, 600), "hangupOnStar": BOOLEAN,
        "timeLimit": _integer(1, 86_400), "callerId": _pattern(r"\+[1-9]\d{1,14}"), "answerOnBridge": BOOLEAN,
        "ringTone": _pattern(r"[a-z]{2}(-[a-z]+)?"), "sequential": BOOLEAN,
        "record": _one_of("do-not-record", "record-from-answer", "record-from-ringing",
            "record-from-answer-dual", "record-from-ringing-dual"),
        **RECORDING,
    },
    "Number": {
        "sendDigits": _pattern(r"[0-9#*wW]+"), "url": URL, "method": METHOD, "statusCallback": URL,
        "statusCallbackMethod": METHOD, "statusCallbackEvent": EVENTS,
        "machineDetection": _one_of("Enable", "DetectMessageEnd"),
    },
}  # fmt: skip
CHILDREN_OF: dict[str, frozenset[str]] = {
    "Response": frozenset(VERBS) - {"Number"},
    "Gather": frozenset({"Say", "Play", "Pause"}),
    "Dial": frozenset({"Number"}),
}
SSML_TAGS = frozenset(
    ["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w", "amazon:effect"]
)
NEEDS_URL = frozenset({"Redirect"})


@dataclass(frozen=True)
class Verb:
    """One verb with its attributes, its text and the verbs inside it."""

    name: str
    attributes: dict[str, str]
    text: str
    children: tuple["Verb", ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute, or `default` when absent."""
        return self.attributes.get(name, default)


def parse(document: str | bytes) -> list[Verb]:
    """Parse a document into its verbs. Raises TwimlError 11750, 12100, 12101, 12200 or 13520."""
    size = len(document.encode() if isinstance(document, str) else document)
    if size > MAX_DOCUMENT_BYTES:
        raise TwimlError(11750, f"TwiML response body too large: {size} bytes")
    try:
        root = fromstring(document)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from None
    if root.tag != "Response":
        raise TwimlError(12100, f"Document parse failure: root element {root.tag!r} is not Response")
    return [_parse_verb(child, "Response") for child in root]


def _parse_verb(element: Element, parent: str) -> Verb:
    name = element.tag
    if name not in CHILDREN_OF[parent]:
        raise TwimlError(12100, f"Document parse failure: {name!r} is not allowed in {parent}")
    known = VERBS[name]
    for attribute, value in element.attrib.items():
        if attribute not in known:
            raise TwimlError(12200, f"Schema validation: attribute {attribute!r} is not allowed in {name}")
        if not known[attribute](value):
            raise TwimlError(12200, f"Schema validation: {name} {attribute}={value!r} is not valid")
    if name == "Say":
        return Verb(name, dict(element.attrib), _parse_speech(element))
    inside = tuple(_parse_verb(child, name) for child in element if name in CHILDREN_OF) if name in CHILDREN_OF else ()
    if name not in CHILDREN_OF and len(element):
        raise TwimlError(12200, f"Schema validation: {name} may not contain {element[0].tag}")
    text = (element.text or "").strip()
    if name in NEEDS_URL and not text:
        raise TwimlError(12200, f"Schema validation: {name} is empty")
    if name == "Dial" and not inside and not text:
        raise TwimlError(12200, "Schema validation: Dial is empty")
    return Verb(name, dict(element.attrib), text, inside)


def _parse_speech(element: Element) -> str:
    for child in element.iter():
        if child is not element and child.tag not in SSML_TAGS:
            raise TwimlError(12200, f"Schema validation: {child.tag!r} is not allowed in Say")
    text = " ".join("".join(element.itertext()).split())
    if not text:
        raise TwimlError(13520, "Say: Invalid text: empty")
    if len(text) > MAX_SAY_CHARACTERS:
        raise TwimlError(13520, f"Say: Invalid text: {len(text)} characters")
    return text
