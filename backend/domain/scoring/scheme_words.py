"""Parse single values of a scheme file; every function here refuses `bad_scheme` with the path of the value."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeVar

from backend.domain.refusals import Refused
from backend.domain.scoring import exact
from backend.domain.scoring.scheme import Amount

_Word = TypeVar("_Word", bound=StrEnum)


def keys(table: Mapping[str, Any], path: str, required: Iterable[str], optional: Iterable[str]) -> None:
    """Refuse unknown keys ("unknown key") and missing required ones ("missing key")."""
    required = tuple(required)
    for key in table:
        if key not in required and key not in optional:
            raise bad(f"{path}.{key}".lstrip("."), "unknown key")
    for key in required:
        if key not in table:
            raise bad(f"{path}.{key}".lstrip("."), "missing key")


def bad(path: str, found: Any) -> Refused:
    """Build the refusal `bad_scheme` with the path and what was found there."""
    return Refused("bad_scheme", path=path, found=found if isinstance(found, str) else exact.shown(found))


def rows(table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the array of tables under `key`, empty when absent."""
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad(key, "not a list of tables")
    return rows


def table(value: Any, path: str) -> Mapping[str, Any]:
    """Return a table."""
    if not isinstance(value, dict):
        raise bad(path, value)
    return value


def text(value: Any, path: str) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise bad(path, value)
    return value


def texts(value: Any, path: str) -> tuple[str, ...]:
    """Return a list of strings."""
    if not isinstance(value, list):
        raise bad(path, value)
    return tuple(text(entry, path) for entry in value)


def maybe(row: Mapping[str, Any], key: str, path: str) -> str | None:
    """Return an optional identifier."""
    return ident(row[key], f"{path}.{key}") if key in row else None


def ident(value: Any, path: str) -> str:
    """Return an identifier: lower-case letters, digits, underscores."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", value):
        raise bad(path, value)
    return value


def flag(table: Mapping[str, Any], key: str, default: bool) -> bool:
    """Return a boolean, `default` when absent."""
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise bad(key, value)
    return value


def word(words: type[_Word], value: Any, path: str) -> _Word:
    """Return a member of the enum `words`."""
    try:
        return words(value)
    except ValueError:
        raise bad(path, value) from None


def whole(value: Any, path: str) -> int:
    """Return an integer from 0 up."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad(path, value)
    return value


def exact_number(value: Any, path: str) -> Fraction:
    """Parse an int or a decimal string from 0 up; a TOML float is refused because it is not exact."""
    if isinstance(value, float):
        raise bad(path, value)
    try:
        parsed = exact.number(value, path)
    except Refused as no:
        raise bad(path, value) from no
    if parsed < 0:
        raise bad(path, value)
    return parsed


def amount(value: Any, path: str) -> Amount:
    """Parse a number, or `{ setting = "scoring.…", default = "15" }` for one that a setting may override."""
    if not isinstance(value, dict):
        return Amount(exact_number(value, path))
    keys(value, path, ("setting", "default"), ())
    default = text(value["default"], f"{path}.default")
    if not re.fullmatch(r"scoring(\.[a-z_]+){1,3}", text(value["setting"], f"{path}.setting")):
        raise bad(f"{path}.setting", value["setting"])
    return Amount(None if default == "none" else exact_number(default, path), value["setting"], default)


def distinct(items: Iterable[str]) -> None:
    """Refuse an item id used twice, since lines of a sheet are found by it."""
    seen: set[str] = set()
    for item in items:
        if item in seen:
            raise bad(item, "item named twice")
        seen.add(item)
