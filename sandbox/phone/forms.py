"""Checks and parses the forms and filters sent to the REST API."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDictProxy

from sandbox.phone.errors import TwilioError
from sandbox.phone.model import Call, CallPlan, Hook
from sandbox.phone.twiml import TwimlError, read

EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
MAX_URL, MAX_TWIML = 4000, 4000

Form = MultiDictProxy[str | bytes | bytearray | web.FileField]


def text(form: Form, name: str) -> str:
    """Return a form value as given; absent is empty."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= MAX_URL
    except ValueError:
        fine = False
    if not fine or any(char.isspace() for char in url):
        raise TwilioError(21205, url)
    return url


def hook(form: Form, name: str, method_name: str) -> Hook | None:
    """Parse and check a URL with its method; None when absent."""
    url, method = text(form, name), text(form, method_name) or "POST"
    if method not in ("GET", "POST"):
        raise TwilioError(21206, method)
    return Hook(_check_url(url), method) if url else None


def plan_of(form: Form) -> CallPlan:
    """Parse a create-call form. Raises TwilioError."""
    twiml = text(form, "Twiml") or None
    url = hook(form, "Url", "Method")
    if url is None and twiml is None:
        raise TwilioError(21205, "")
    if twiml is not None:
        if len(twiml) > MAX_TWIML:
            raise TwilioError(20001, "Twiml")
        try:
            read(twiml)
        except TwimlError as flaw:
            raise TwilioError(20001, f"Twiml: {flaw.words}") from None
    given = [word for value in form.getall("StatusCallbackEvent", []) for word in str(value).split()]
    if set(given) - EVENTS:
        raise TwilioError(21626, given)
    timeout = text(form, "Timeout") or "60"
    if not timeout.isdigit() or not 1 <= int(timeout) <= 600:
        raise TwilioError(21208, timeout)
    detection = text(form, "MachineDetection")
    if detection not in ("", "Enable", "DetectMessageEnd"):
        raise TwilioError(20001, f"MachineDetection {detection}")
    return CallPlan(
        url=url,
        twiml=twiml,
        fallback=hook(form, "FallbackUrl", "FallbackMethod"),
        status=hook(form, "StatusCallback", "StatusCallbackMethod"),
        events=tuple(given) or ("completed",),
        timeout=int(timeout),
        machine_detection=detection,
        async_amd=text(form, "AsyncAmd").lower() == "true",
        amd_callback=hook(form, "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod"),
    )


def within(call: Call, query: Any) -> bool:
    """Whether a call passes the StartTime filters: on a day, or not before / not after a moment."""
    moment = call.start_at or call.created_at
    for name, keeps in _WINDOWS.items():
        given = query.get(name)
        if not given:
            continue
        try:
            if len(given) == 10:
                if not keeps(moment.astimezone(UTC).date(), date.fromisoformat(given)):
                    return False
            else:
                limit = datetime.fromisoformat(given)
                limit = limit if limit.tzinfo else limit.replace(tzinfo=UTC)
                if not keeps(moment, limit):
                    return False
        except ValueError:
            raise TwilioError(20001, name) from None
    return True


def _day(moment: date | datetime) -> date:
    """Return the UTC day; equality ignores the time of day."""
    return moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment


_WINDOWS: dict[str, Callable[[Any, Any], bool]] = {
    "StartTime": lambda moment, given: _day(moment) == _day(given),
    "StartTime>": lambda moment, given: bool(moment >= given),
    "StartTime<": lambda moment, given: bool(moment <= given),
}
