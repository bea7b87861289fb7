"""Parses query strings: only known filters, pages by an opaque cursor, limits from 1 to 200 (FR6)."""

import base64
import binascii
from collections.abc import Collection, Mapping

from multidict import MultiMapping

from backend.domain.refusals import Refused
from backend.web.bodies import keepable

MOST = 200
USUAL = 50
LONGEST = 200  # characters of one filter
PAGING = ("limit", "cursor")


def read_query(query: MultiMapping[str], known: Collection[str]) -> dict[str, str]:
    """Return the filters given.

    Refused `unknown_filter`, or `bad_field` for one given twice, over 200 characters or holding unstorable characters.
    """
    given: dict[str, str] = {}
    for name, value in query.items():
        if name not in known:
            raise Refused("unknown_filter", name=keepable(name)[:LONGEST])
        if name in given or len(value) > LONGEST or keepable(value) != value:
            raise Refused("bad_field", field=name)
        given[name] = value
    return given


def limit_of(query: Mapping[str, str]) -> int:
    """Return the page size, 1 to 200. Refused `bad_field`."""
    written = query.get("limit")
    if written is None:
        return USUAL
    if not (written.isascii() and written.isdigit() and len(written) <= 4 and 1 <= int(written) <= MOST):
        raise Refused("bad_field", field="limit")
    return int(written)


def cursor(place: int | str | None) -> str | None:
    """Encode a position in a list as an opaque cursor; None for None."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(f"1:{place}".encode()).decode("ascii").rstrip("=")


def word_of(query: Mapping[str, str]) -> str | None:
    """Return the position a cursor encodes, None without one. Refused `bad_cursor`."""
    written = query.get("cursor")
    if written is None:
        return None
    try:
        plain = base64.b64decode(written + "=" * (-len(written) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (ValueError, binascii.Error):
        raise Refused("bad_cursor") from None
    if not plain.startswith("1:") or keepable(plain) != plain or cursor(plain[2:]) != written:
        raise Refused("bad_cursor")
    return plain[2:]


def place_of(query: Mapping[str, str]) -> int | None:
    """Return the row id a cursor encodes, None without one. Refused `bad_cursor`."""
    word = word_of(query)
    if word is None:
        return None
    if not (word.isascii() and word.isdigit() and len(word) <= 18):
        raise Refused("bad_cursor")
    return int(word)


def one_of(query: Mapping[str, str], name: str, words: Collection[str]) -> str | None:
    """Return a filter that must be one of these words, None if absent. Refused `bad_field`."""
    value = query.get(name)
    if value is not None and value not in words:
        raise Refused("bad_field", field=name)
    return value


def yes(query: Mapping[str, str], name: str) -> bool:
    """Return a filter that is 1 or 0 (or true, false); absent is false. Refused `bad_field`."""
    return one_of(query, name, ("0", "1", "true", "false")) in ("1", "true")
