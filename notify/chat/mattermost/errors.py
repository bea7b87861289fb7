"""Maps what Mattermost answers to DeliveryError: a table of statuses and of the ids of its errors (FT17-FT25)."""

import json
from collections.abc import Mapping

from notify.channel import DeliveryError, FailureKind
from notify.plain_text import redact

#: seconds to wait when a 429 does not say how long, and at most
THROTTLE_SECONDS, MOST_SECONDS = 1.0, 86_400.0

#: status and a part of the error's id, in the order checked → kind of failure, our code
REFUSALS: tuple[tuple[int, str, FailureKind, str], ...] = (
    (400, "can_not_post_to_deleted", "dead_address", "archived"),
    (400, "can_not_post_in_restricted_dm", "dead_address", "restricted"),
    (400, "permissions_time_limit", "permanent", "edit_gone"),
    (400, "update_post.permissions_details", "permanent", "edit_gone"),  # it was deleted
    (400, "update_post.find", "permanent", "edit_gone"),
    (
        400,
        "can_not_update_post_in",
        "permanent",
        "edit_gone",
    ),  # an archived channel, or one of people who may not write
    (400, "too_large", "permanent", "too_large"),
    (401, "", "permanent", "auth"),
    (403, "", "dead_address", "forbidden"),
    (404, "", "dead_address", "not_found"),
    (413, "", "permanent", "too_large"),
    (501, "", "permanent", "refused"),
    (503, "", "transient", "http_503"),
)


def to_delivery_error(
    status: int, headers: Mapping[str, str], body: bytes, *, doubtful: bool, token: str = ""
) -> DeliveryError:
    """Return the error of an answer that is no success. `doubtful`: a request that was done all the same is a second message.

    Its own refusals are JSON with an `id`; without one the answer is of something in between (FT23).
    """
    if status == 429:
        return DeliveryError("throttled", "429", retry_after=_read_wait(headers))
    found = _parse(body)
    name, words = str(found.get("id") or ""), redact(f"{found.get('id')}: {found.get('message')}", token)
    unsure: FailureKind = "ambiguous" if doubtful else "transient"
    if not name:
        refused = status == 503 or 400 <= status < 500
        return DeliveryError("transient" if refused else unsure, f"http_{status}", "unreadable answer")
    for given, part, kind, code in REFUSALS:
        if status == given and part in name:
            return DeliveryError(kind, code, words)
    if status >= 500:
        return DeliveryError(unsure, "5xx", words)
    return DeliveryError("permanent", "bad_request" if status == 400 else "refused", words)


def _read_wait(headers: Mapping[str, str]) -> float:
    """Return the seconds a 429 asks for; some documents call the second header a time of day, which is no wait."""
    for name in ("Retry-After", "X-Ratelimit-Reset"):
        try:
            seconds = float(headers.get(name, ""))
        except ValueError:
            continue
        if 0 <= seconds <= MOST_SECONDS:
            return max(seconds, THROTTLE_SECONDS)
    return THROTTLE_SECONDS


def _parse(body: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
