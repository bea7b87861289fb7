"""Parses query strings: only known filters, pages by an opaque cursor, limits from 1 to 200 (FR6)."""

import base64
import binascii
from collections.abc import Collection, Mapping

from multidict import MultiMapping

from backend.domain.refusals import Refused
from backend.web.body import strip_unstorable

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_FILTER_CHARS = 200  # characters of one filter


def read_query(query: MultiMapping[str], known: Collection[str]) -> dict[str, str]:
    """Return the filters given.

    Refused `unknown_filter`, or `bad_field` for one given twice, over 200 characters or holding unstorable characters.
    """
    filters: dict[str, str] = {}
    for name, value in query.items():
        if name not in known:
            raise Refused("unknown_filter", name=strip_unstorable(name)[:MAX_FILTER_CHARS])
        if name in filters or len(value) > MAX_FILTER_CHARS or strip_unstorable(value) != value:
            raise Refused("bad_field", field=name)
        filters[name] = value
    return filters


def parse_limit(query: Mapping[str, str]) -> int:
    """Return the page size, 1 to 200. Refused `bad_field`."""
    text = query.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise Refused("bad_field", field="limit")
    return int(text)


def encode_cursor(position: int | str | None) -> str | None:
    """Encode a position in a list as an opaque cursor; None for None."""
    if position is None:
        return None
    return base64.urlsafe_b64encode(f"1:{position}".encode()).decode("ascii").rstrip("=")


def parse_cursor(query: Mapping[str, str]) -> str | None:
    """Return the position a cursor encodes, None without one. Refused `bad_cursor`."""
    text = query.get("cursor")
    if text is None:
        return None
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (ValueError, binascii.Error):
        raise Refused("bad_cursor") from None
    if not decoded.startswith("1:") or strip_unstorable(decoded) != decoded or encode_cursor(decoded[2:]) != text:
        raise Refused("bad_cursor")
    return decoded[2:]


def parse_row_cursor(query: Mapping[str, str]) -> int | None:
    """Return the row id a cursor encodes, None without one. Refused `bad_cursor`."""
    position = parse_cursor(query)
    if position is None:
        return None
    if not (position.isascii() and position.isdigit() and len(position) <= 18):
        raise Refused("bad_cursor")
    return int(position)


def parse_id(text: str) -> int:
    """Parse an id from a path. Refused `not_found`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refused("not_found", id=text[:20])
    return int(text)


def parse_choice(query: Mapping[str, str], name: str, choices: Collection[str]) -> str | None:
    """Return a filter that must be one of these words, None if absent. Refused `bad_field`."""
    value = query.get(name)
    if value is not None and value not in choices:
        raise Refused("bad_field", field=name)
    return value


def parse_flag(query: Mapping[str, str], name: str) -> bool:
    """Return a filter that is 1 or 0 (or true, false); absent is false. Refused `bad_field`."""
    return parse_choice(query, name, ("0", "1", "true", "false")) in ("1", "true")
