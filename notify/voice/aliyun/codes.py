"""Translates Aliyun's codes: how a call ended, and what an API error means."""

from collections.abc import Mapping

from notify.carrier import CallEvent, CallStatus, FormFields, to_pairs
from notify.channel import FailureKind

#: status codes of a call, as the carrier documents them; any other has failed
END_STATUSES = {
    "200000": CallStatus.COMPLETED,  # heard to the end
    "200001": CallStatus.COMPLETED,  # hung up before the end
    "200008": CallStatus.COMPLETED,  # no key in time
    "200002": CallStatus.BUSY,
    "200112": CallStatus.BUSY,
    "200003": CallStatus.NO_ANSWER,
    "200007": CallStatus.NO_ANSWER,  # unreachable
    "200010": CallStatus.NO_ANSWER,  # switched off
    "200113": CallStatus.NO_ANSWER,
    "200005": CallStatus.FAILED,  # a carrier failure, or declined: it does not say which
    "200121": CallStatus.CANCELED,  # too many at once: never rang
    "200118": CallStatus.CANCELED,  # not at this hour
}
#: a report during a call: a key was pressed
KEY_PRESSED = "300000"
#: kinds of API errors by code; `kind_of` has the rule for the rest
ERROR_KINDS: Mapping[str, FailureKind] = {
    "isv.BUSINESS_LIMIT_CONTROL": "throttled",
    "isp.BUSINESS_LIMIT_CONTROL": "throttled",
    "Throttling": "throttled",
    "Throttling.User": "throttled",
    "ServiceUnavailable": "ambiguous",
    "isp.SYSTEM_ERROR": "ambiguous",
}
FIELD_LIMIT, DIGITS_LIMIT = 512, 64


def parse_report(params: FormFields) -> CallEvent:
    """Parse one report; never raises."""
    fields = dict(to_pairs(params))

    def text(name: str, limit: int = FIELD_LIMIT) -> str:
        return fields.get(name, "")[:limit]

    code = text("status_code")
    ended = CallStatus.NOT_GIVEN if code in ("", KEY_PRESSED) else END_STATUSES.get(code, CallStatus.FAILED)
    seconds = text("duration", 9)
    return CallEvent(
        provider_id=text("call_id"),
        status=ended,
        digits=text("dtmf", DIGITS_LIMIT),
        duration=int(seconds) if seconds.isascii() and seconds.isdigit() else None,
        from_=text("caller"),
        to=text("callee"),
        error_code="" if ended is CallStatus.COMPLETED else code,
        ref=text("out_id"),
    )


def get_failure_kind(code: str) -> FailureKind:
    """Return the kind of failure behind an error code."""
    if code in ERROR_KINDS:
        return ERROR_KINDS[code]
    return "permanent" if code.startswith(("isv.", "Invalid", "Missing", "Forbidden", "Signature")) else "ambiguous"
