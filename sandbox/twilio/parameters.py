"""What Twilio's REST API takes, version 2010-04-01: the form or query parameters of each operation, with their kinds.

A row is `Name:kind`, `Name!:kind` when required, `kind[]` when it may be repeated. A kind is one of `KINDS`, `sid(AP)`
for an id with that beginning, or the allowed words. What is obsolete is left out: it is a violation to send it (XR9).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit

API_VERSION = "2010-04-01"
MAX_URL = 4000

_HOOKS = """Url:url Method:method FallbackUrl:url FallbackMethod:method StatusCallback:url StatusCallbackMethod:method
    Twiml:twiml TimeLimit:integer"""
_PAGES = "PageSize:integer Page:integer PageToken:string"

#: operation → its parameters, under the names of Twilio's OpenAPI description
OPERATIONS: dict[str, str] = {
    "FetchAccount": "",
    "CreateCall": f"""To!:endpoint From!:endpoint {_HOOKS} StatusCallbackEvent:string[] SendDigits:string
        Timeout:integer Record:boolean RecordingChannels:string RecordingStatusCallback:string
        RecordingStatusCallbackMethod:method RecordingStatusCallbackEvent:string[] RecordingTrack:string Trim:string
        SipAuthUsername:string SipAuthPassword:string MachineDetection:string MachineDetectionTimeout:integer
        MachineDetectionSpeechThreshold:integer MachineDetectionSpeechEndThreshold:integer
        MachineDetectionSilenceTimeout:integer AsyncAmd:string AsyncAmdStatusCallback:url
        AsyncAmdStatusCallbackMethod:method CallerId:string Byoc:sid(BY) CallReason:string CallToken:string
        ClientNotificationUrl:url ApplicationSid:sid(AP)""",
    "ListCall": f"""To:phone From:phone ParentCallSid:sid(CA)
        Status:queued|ringing|in-progress|completed|busy|failed|no-answer|canceled
        StartTime:time StartTime<:time StartTime>:time EndTime:time EndTime<:time EndTime>:time {_PAGES}""",
    "FetchCall": "",
    "UpdateCall": f"{_HOOKS} Status:canceled|completed",
    "CreateMessage": """To!:phone From:phone FallbackFrom:phone MessagingServiceSid:sid(MG) Body:string MediaUrl:url[]
        ContentSid:sid(HX) ContentVariables:string StatusCallback:url ApplicationSid:sid(AP) ProvideFeedback:boolean
        Attempt:integer ValidityPeriod:integer ForceDelivery:boolean ContentRetention:retain|discard
        AddressRetention:retain|obfuscate SmartEncoded:boolean PersistentAction:string[] TrafficType:free
        ShortenUrls:boolean ScheduleType:fixed SendAt:time SendAsMms:boolean RiskCheck:enable|disable""",
    "ListMessage": f"To:phone From:phone DateSent:time DateSent<:time DateSent>:time {_PAGES}",
    "FetchRecording": "IncludeSoftDeleted:boolean",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter; `repeats`: it may be given several times."""

    kind: str
    required: bool
    repeats: bool

    def allows(self, value: str) -> bool:
        """Whether a value is of this kind."""
        if self.kind in KINDS:
            return KINDS[self.kind](value)
        if self.kind.startswith("sid("):
            return re.fullmatch(f"{self.kind[4:6]}[0-9a-fA-F]{{32}}", value) is not None
        return value in self.kind.split("|")


def is_url(text: str) -> bool:
    """Whether Twilio takes it as a URL: http or https, at most 4,000 characters, a host without underscores."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    host = parts.hostname or ""
    return (
        parts.scheme in ("http", "https")
        and bool(host)
        and "_" not in host
        and len(text) <= MAX_URL
        and not any(char.isspace() for char in text)
    )


def _is_time(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text))
    except ValueError:
        return False


def _anything(text: str) -> bool:
    return True


#: kind → what it allows; numbers and documents are judged by the handlers, which have codes of their own for them
KINDS: dict[str, Callable[[str], bool]] = {
    "string": _anything,
    "endpoint": _anything,
    "phone": _anything,
    "twiml": _anything,
    "url": is_url,
    "method": lambda text: text in ("GET", "POST"),
    "integer": lambda text: text.isascii() and text.isdigit(),
    "boolean": lambda text: text.lower() in ("true", "false"),
    "time": _is_time,
}
#: kind → the code of its refusal; 20001 for all others
CODES = {"url": 21205, "method": 21206}

_ROW = re.compile(r"(?P<name>[A-Za-z]+[<>]?)(?P<required>!?):(?P<kind>[^\s\[]+)(?P<repeats>(?:\[\])?)")


def _parse(rows: str) -> dict[str, Parameter]:
    return {
        row["name"]: Parameter(row["kind"], bool(row["required"]), bool(row["repeats"])) for row in _ROW.finditer(rows)
    }


PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {name: _parse(rows) for name, rows in OPERATIONS.items()}
