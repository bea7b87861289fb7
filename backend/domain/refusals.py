"""The exception for every refusal: a code and facts, never a sentence (sentences live in the text catalogue)."""

from collections.abc import Mapping
from typing import Any

#: Facts that are instants, as ISO text.
INSTANTS = ("at", "due", "latest", "until")


class Refused(Exception):
    """A polite refusal. `code` is looked up in the text catalogue; `facts` fill its placeholders.

    Adapters translate it (HTTP status by `STATUS`, toast, spoken text); services let it pass.
    """

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts: Mapping[str, Any] = facts


#: HTTP status of refusal codes that are not a failed guard (422).
HTTP_STATUS: dict[str, int] = {
    "bad_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "fresh_needed": 403,
    "not_below": 403,
    "not_found": 404,
    "unknown_person": 404,
    "unknown_key": 404,
    "unknown_run": 404,
    "unknown_entry": 404,
    "unknown_appeal": 404,
    "unknown_register": 404,
    "overtaken": 409,
    "not_now": 409,
    "exists": 409,
    "link_spent": 410,
    "shown_once": 409,
    "locked": 409,
    "not_held": 409,
    "rating_answered": 409,
    "rating_ended": 410,
    "too_large": 413,
    "wrong_host": 421,
    "too_many": 429,
    "version_gate": 503,
    "held": 503,
    "busy": 503,
    "scanner_away": 503,
}


def get_http_status(code: str) -> int:
    """Return the HTTP status of a refusal code; failed guards are 422 (contract §5)."""
    return HTTP_STATUS.get(code, 422)
