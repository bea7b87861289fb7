"""The words of a scheme file read one by one: a value of the wrong shape is refused with its place."""

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
    """Refuses a key nobody reads ("unknown key") and a required one that is not there ("missing key")."""
    required = tuple(required)
    for key in table:
        if key not in required and key not in optional:
            raise bad(f"{path}.{key}".lstrip("."), "unknown key")
    for key in required:
        if key not in table:
            raise bad(f"{path}.{key}".lstrip("."), "missing key")


def bad(path: str, found: Any) -> Refused:
    """The refusal of a scheme file: `bad_scheme` with the place and what was found there."""
    return Refused("bad_scheme", path=path, found=found if isinstance(found, str) else exact.shown(found))


def rows(table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The array of tables under `key`, empty when absent."""
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad(key, "not a list of tables")
    return rows


def table(value: Any, path: str) -> Mapping[str, Any]:
    """A table."""
    if not isinstance(value, dict):
        raise bad(path, value)
    return value


def text(value: Any, path: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise bad(path, value)
    return value


def texts(value: Any, path: str) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise bad(path, value)
    return tuple(text(entry, path) for entry in value)


def maybe(row: Mapping[str, Any], key: str, path: str) -> str | None:
    """An identifier that may be absent."""
    return ident(row[key], f"{path}.{key}") if key in row else None


def ident(value: Any, path: str) -> str:
    """An identifier: small letters, digits and underscores."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", value):
        raise bad(path, value)
    return value


def flag(table: Mapping[str, Any], key: str, default: bool) -> bool:
    """True or false, `default` when absent."""
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise bad(key, value)
    return value


def word(words: type[_Word], value: Any, path: str) -> _Word:
    """One of the known words."""
    try:
        return words(value)
    except ValueError:
        raise bad(path, value) from None


def whole(value: Any, path: str) -> int:
    """A whole number from 0 up."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad(path, value)
    return value


def exact_number(value: Any, path: str) -> Fraction:
    """An int or a decimal text from 0 up; a TOML float is refused, for it would not be exact."""
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
    """A number, or `{ setting = "scoring.…", default = "15" }` for one that an installation may read differently."""
    if not isinstance(value, dict):
        return Amount(exact_number(value, path))
    keys(value, path, ("setting", "default"), ())
    default = text(value["default"], f"{path}.default")
    if not re.fullmatch(r"scoring(\.[a-z_]+){1,3}", text(value["setting"], f"{path}.setting")):
        raise bad(f"{path}.setting", value["setting"])
    return Amount(None if default == "none" else exact_number(default, path), value["setting"], default)


def distinct(items: Iterable[str]) -> None:
    """Refuses an item id used twice: lines of a sheet are found by it."""
    seen: set[str] = set()
    for item in items:
        if item in seen:
            raise bad(item, "item named twice")
        seen.add(item)
