"""Checks and parses the forms and filters sent to the REST API."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from aiohttp import web
from multidict import MultiDictProxy, MultiMapping

from sandbox.telephone.model import Call, CallPlan, HookUrl
from sandbox.twilio.errors import TwilioError
from sandbox.twilio.parameters import CODES, PARAMETERS
from sandbox.twilio.twiml import TwimlError, parse

EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
MAX_TWIML = 4000

Form = MultiDictProxy[str | bytes | bytearray | web.FileField]


def get_text(form: Form, name: str) -> str:
    """Return a form value as given; absent is empty."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def check_parameters(operation: str, given: MultiMapping[Any]) -> list[str]:
    """Check names and kinds of an operation's parameters; return names that nobody documents, which Twilio ignores.

    Raises TwilioError 21205, 21206 or 20001 for a value of another kind, and for a repeated name.
    """
    known = PARAMETERS[operation]
    for name in set(given) & set(known):
        values = given.getall(name)
        wrong = [one for one in values if not isinstance(one, str) or not known[name].allows(one)]
        if wrong:
            raise TwilioError(CODES.get(known[name].kind, 20001), f"{name} {wrong[0]}")
        if len(values) > 1 and not known[name].repeats:
            raise TwilioError(20001, f"{name} given {len(values)} times")
    return sorted(set(given) - set(known))


def parse_hook(form: Form, name: str, method_name: str) -> HookUrl | None:
    """Return a URL, which `check_parameters` has checked, with its method; None when absent."""
    url, method = get_text(form, name), get_text(form, method_name) or "POST"
    return HookUrl(url, method) if url else None


def parse_call_plan(form: Form) -> CallPlan:
    """Parse a create-call form. Raises TwilioError."""
    twiml = get_text(form, "Twiml") or None
    url = parse_hook(form, "Url", "Method")
    if url is None and twiml is None:
        raise TwilioError(21205, "")
    if twiml is not None:
        if len(twiml) > MAX_TWIML:
            raise TwilioError(20001, "Twiml")
        try:
            parse(twiml)
        except TwimlError as error:
            raise TwilioError(20001, f"Twiml: {error.message}") from None
    events = [str(value) for value in form.getall("StatusCallbackEvent", [])]
    if set(events) - EVENTS:
        raise TwilioError(21626, events)
    timeout = get_text(form, "Timeout") or "60"
    if not timeout.isdigit() or not 1 <= int(timeout) <= 600:
        raise TwilioError(21208, timeout)
    detection = get_text(form, "MachineDetection")
    if detection not in ("", "Enable", "DetectMessageEnd"):
        raise TwilioError(20001, f"MachineDetection {detection}")
    return CallPlan(
        url=url,
        twiml=twiml,
        fallback=parse_hook(form, "FallbackUrl", "FallbackMethod"),
        status=parse_hook(form, "StatusCallback", "StatusCallbackMethod"),
        events=tuple(events) or ("completed",),
        timeout=int(timeout),
        machine_detection=detection,
        async_amd=get_text(form, "AsyncAmd").lower() == "true",
        amd_callback=parse_hook(form, "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod"),
    )


def matches_start_time(call: Call, query: Any) -> bool:
    """Whether a call passes the StartTime filters: on a day, or not before / not after a moment."""
    moment = call.start_at or call.created_at
    for name, is_within in _WINDOWS.items():
        filter_value = query.get(name)
        if not filter_value:
            continue
        try:
            if len(filter_value) == 10:
                if not is_within(moment.astimezone(UTC).date(), date.fromisoformat(filter_value)):
                    return False
            else:
                limit = datetime.fromisoformat(filter_value)
                limit = limit if limit.tzinfo else limit.replace(tzinfo=UTC)
                if not is_within(moment, limit):
                    return False
        except ValueError:
            raise TwilioError(20001, name) from None
    return True


def _utc_day(moment: date | datetime) -> date:
    """Return the UTC day; equality ignores the time of day."""
    return moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment


_WINDOWS: dict[str, Callable[[Any, Any], bool]] = {
    "StartTime": lambda moment, given: _utc_day(moment) == _utc_day(given),
    "StartTime>": lambda moment, given: bool(moment >= given),
    "StartTime<": lambda moment, given: bool(moment <= given),
}
