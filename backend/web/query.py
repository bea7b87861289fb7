"""Parses query strings: only known filters that fit, pages by an opaque cursor, limits from 1 to 200 (FR6, XS12)."""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from multidict import MultiMapping

from backend.domain.json_shapes import MONTH_PATTERN
from backend.domain.refusals import Refused
from backend.web.body import strip_unstorable

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_FILTER_CHARS = 200  # characters of one filter
Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string", "maxLength": MAX_FILTER_CHARS}
FLAG: Schema = {"type": "string", "enum": ["0", "1", "true", "false"]}


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: its name, the JSON schema it is held to, and the code that refuses what does not fit."""

    name: str
    schema: Schema = field(default_factory=lambda: TEXT)
    code: str = "bad_field"

    def fits(self, value: str) -> bool:
        """Whether a value fits the schema: one of its words, its pattern, a whole number within its bounds."""
        if self.schema["type"] == "integer":
            within = value.isascii() and value.isdigit() and len(value) <= 18
            return within and self.schema["minimum"] <= int(value) <= self.schema["maximum"]
        if "enum" in self.schema:
            return value in tuple(self.schema["enum"])
        return re.fullmatch(self.schema.get("pattern", ".*"), value, re.DOTALL | re.ASCII) is not None


def choice_filter(name: str, words: Iterable[str]) -> Filter:
    """Return a filter that takes one of these words."""
    return Filter(name, {"type": "string", "enum": [str(word) for word in words]})


def count_filter(name: str, least: int, most: int, default: int) -> Filter:
    """Return a filter that takes a whole number."""
    return Filter(name, {"type": "integer", "minimum": least, "maximum": most, "default": default})


def month_filter(name: str = "month", code: str = "bad_month") -> Filter:
    """Return a filter that takes a month, 2026-10."""
    return Filter(name, {"type": "string", "pattern": MONTH_PATTERN}, code)


def period_filter() -> Filter:
    """Return the filter that takes a month, quarter or year: 2026-10, 2026Q4, 2026."""
    return Filter("period", {"type": "string", "pattern": r"^20\d\d(-(0[1-9]|1[0-2])|Q[1-4])?$"}, "bad_period")


def day_filter(name: str) -> Filter:
    """Return a filter that takes a day, 2026-10-08."""
    return Filter(name, {"type": "string", "format": "date", "pattern": r"^20\d\d-\d\d-\d\d$"})


PAGED = (count_filter("limit", 1, MAX_LIMIT, DEFAULT_LIMIT), Filter("cursor", {"type": "string"}, "bad_cursor"))
SPAN = (day_filter("from"), day_filter("to"))
UNIT = Filter("unit")
TICKET = Filter("ticket", code="not_found")


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


def read_filters(query: MultiMapping[str], known: Collection[Filter]) -> dict[str, str]:
    """Return the filters given. Refused as by `read_query`, and with a filter's own code where it does not fit (XS12)."""
    by_name = {one.name: one for one in known}
    filters = read_query(query, by_name)
    for name, value in filters.items():
        if not by_name[name].fits(value):
            raise Refused(by_name[name].code, field=name, value=value)
    return filters


def parse_limit(query: Mapping[str, str]) -> int:
    """Return the page size, which `PAGED` has checked: 1 to 200."""
    return int(query.get("limit", DEFAULT_LIMIT))


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
