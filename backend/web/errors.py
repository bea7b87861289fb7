"""Turns refusals and unexpected errors into responses: one shape (contract §5), no stack, no SQL, a request id (FR19)."""

import contextlib
import errno
import json
import logging
import traceback
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from backend.domain.refusals import INSTANTS, Refused, get_http_status
from backend.domain.setting_words import word_facts
from backend.domain.spoken_time import format_time
from backend.domain.texts import Texts
from backend.office.fact_names import name_facts
from backend.ports.availability import Unavailable
from backend.services import Services
from backend.web.body import BodyTimeout
from backend.web.request import REQUEST_ID, SERVICES

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a full disk, a quota, a limit
log = structlog.get_logger("web")
YEAR = timedelta(days=366)
#: Statuses of codes that only the web adapter gives.
WEB_STATUSES = {
    "stale_form": 403, "internal": 500, "unavailable": 503, "read_only": 503, "disk_full": 503,
    "in_progress": 409, "method_not_allowed": 405,
    "unknown_run": 404, "unknown_entry": 404,
}  # fmt: skip
#: Errors that mean another server is unavailable, or a database in a way of its own: the web adapter knows no engine.
UNAVAILABLE_ERRORS = frozenset({
    "ConnectionError", "TimeoutError", "OperationalError", "InterfaceError", "PostgresConnectionError",
    "CannotConnectNowError", "AdminShutdownError", "TooManyConnectionsError",
})  # fmt: skip
_CODE_OF_STATUS = {
    400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    413: "too_large", 429: "too_many",
}  # fmt: skip


def get_status(code: str) -> int:
    """Return the HTTP status of a refusal code."""
    return WEB_STATUSES.get(code) or get_http_status(code)


def format_refusal(catalogue: Texts, code: str, facts: Mapping[str, Any]) -> str:
    """Return a code's sentence in the catalogue's language."""
    values = dict(facts)
    if "state" in values:
        values["state"] = catalogue.get_word_or_value("state", str(values["state"]))
    for name in INSTANTS:
        if isinstance(values.get(name), str):
            with contextlib.suppress(ValueError):
                at = datetime.fromisoformat(values[name])
                reference = at if name == "at" else at - YEAR  # a past time is recent; a limit is shown with its year
                values[name] = format_time(at, reference, catalogue.language[:2])
    return catalogue.render_refusal(code, values)


def localize_facts(facts: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    """Return a refusal's facts with its instants in the office's zone: a decision has them as they are stored."""
    found = dict(facts)
    for name in INSTANTS:
        if isinstance(found.get(name), str):
            with contextlib.suppress(ValueError):
                found[name] = datetime.fromisoformat(found[name]).astimezone(zone).isoformat()
    return found


def word_refusal(request: web.Request, refused: Refused) -> str:
    """Return a refusal's sentence for the page that answers this request."""
    texts, zone = request.app[SERVICES].texts, request.app[SERVICES].clock.zone
    facts = name_facts(request.app[SERVICES].office.last_read, word_facts(texts, localize_facts(refused.facts, zone)))
    facts["request_id"] = request[REQUEST_ID]
    return format_refusal(texts, refused.code, facts)


def dump_error(services: Services, refused: Refused, request_id: str) -> str:
    """Return the JSON body of an error."""
    code, facts = refused.code, localize_facts(refused.facts, services.clock.zone)
    named = name_facts(services.office.last_read, facts)
    error = {
        "code": code, "message": format_refusal(services.texts, code, {**named, "request_id": request_id}),
        "details": facts, "request_id": request_id,
    }  # fmt: skip
    return json.dumps({"error": error}, ensure_ascii=False, default=str)


def to_refusal(error: Exception) -> Refused | None:
    """Return the refusal behind an exception; None for an unexpected error."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Unavailable) and error.is_watched:  # who watches speaks of it, once (XR6, XR13)
        return Refused(error.code)
    if isinstance(error, OSError) and error.errno in NO_ROOM:  # also of a file of ours (FD5)
        return Refused("disk_full")
    if isinstance(error, BodyTimeout):
        return Refused("bad_request", reason="slow")
    if isinstance(error, web.HTTPException) and error.status >= 400:
        return Refused(_CODE_OF_STATUS.get(error.status, "bad_request"))
    return None


def log_unexpected(request: web.Request, error: Exception) -> Refused:
    """Log an unexpected error once, with the place but no values, numbers or names; return the refusal to answer."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    unavailable = bool(kinds & UNAVAILABLE_ERRORS) or getattr(error, "connection_invalidated", False)
    if isinstance(error, Unavailable):
        unavailable, error = True, error.__cause__ if isinstance(error.__cause__, Exception) else error
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    where = [f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno}" for frame in frames]
    log.error("unavailable" if unavailable else "unexpected_error", request_id=request[REQUEST_ID],
              method=request.method, kind=type(error).__name__, inner=type(getattr(error, "orig", None)).__name__,
              where=where, route=getattr(request.match_info.route.resource, "canonical", ""))  # fmt: skip
    return Refused("unavailable" if unavailable else "internal")


def build_json_response(request: web.Request, refused: Refused, error: Exception) -> web.Response:
    """Return the refusal as contract §5 describes it."""
    code = refused.code
    text = dump_error(request.app[SERVICES], refused, request[REQUEST_ID])
    answer = web.Response(text=text, status=get_status(code), content_type="application/json")
    if isinstance(error, web.HTTPException):
        answer.set_status(error.status)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
    if answer.status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, BodyTimeout) or answer.status == 413:
        answer.force_close()
    return answer


class _ClientErrorFilter(logging.Filter):
    """Drops errors that clients cause by sending garbage or disconnecting; they got a 400 or are gone."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep the record."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, (HttpProcessingError, ConnectionError))


def get_server_logger() -> logging.Logger:
    """Return the logger for aiohttp's server."""
    logger = logging.getLogger("jiesu.wire")
    if not logger.filters:
        logger.addFilter(_ClientErrorFilter())
    return logger
