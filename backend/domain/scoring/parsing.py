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


def check_keys(table: Mapping[str, object], path: str, required: Iterable[str], optional: Iterable[str]) -> None:
    """Refuse unknown keys ("unknown key") and missing required ones ("missing key")."""
    required = tuple(required)
    for key in table:
        if key not in required and key not in optional:
            raise bad_scheme(f"{path}.{key}".lstrip("."), "unknown key")
    for key in required:
        if key not in table:
            raise bad_scheme(f"{path}.{key}".lstrip("."), "missing key")


def bad_scheme(path: str, found: object) -> Refused:
    """Build the refusal `bad_scheme` with the path and what was found there."""
    return Refused("bad_scheme", path=path, found=found if isinstance(found, str) else exact.format_value(found))


def parse_rows(table: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    """Return the array of tables under `key`, empty when absent."""
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad_scheme(key, "not a list of tables")
    return rows


def parse_table(value: object, path: str) -> Mapping[str, object]:
    """Return a table."""
    if not isinstance(value, dict):
        raise bad_scheme(path, value)
    return value


def parse_text(value: object, path: str) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise bad_scheme(path, value)
    return value


def parse_texts(value: object, path: str) -> tuple[str, ...]:
    """Return a list of strings."""
    if not isinstance(value, list):
        raise bad_scheme(path, value)
    return tuple(parse_text(entry, path) for entry in value)


def parse_optional_id(row: Mapping[str, object], key: str, path: str) -> str | None:
    """Return an optional identifier."""
    return parse_id(row[key], f"{path}.{key}") if key in row else None


def parse_id(value: object, path: str) -> str:
    """Return an identifier: lower-case letters, digits, underscores."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", value):
        raise bad_scheme(path, value)
    return value


def parse_flag(table: Mapping[str, object], key: str, default: bool) -> bool:
    """Return a boolean, `default` when absent."""
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise bad_scheme(key, value)
    return value


def parse_choice(choices: type[_Word], value: Any, path: str) -> _Word:
    """Return a member of the enum `words`."""
    try:
        return choices(value)
    except ValueError:
        raise bad_scheme(path, value) from None


def parse_integer(value: object, path: str) -> int:
    """Return an integer from 0 up."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_scheme(path, value)
    return value


def parse_number(value: object, path: str) -> Fraction:
    """Parse an int or a decimal string from 0 up; a TOML float is refused because it is not exact."""
    if isinstance(value, float):
        raise bad_scheme(path, value)
    try:
        parsed = exact.parse_number(value, path)
    except Refused as no:
        raise bad_scheme(path, value) from no
    if parsed < 0:
        raise bad_scheme(path, value)
    return parsed


def parse_amount(value: object, path: str) -> Amount:
    """Parse a number, or `{ setting = "scoring.…", default = "15" }` for one that a setting may override."""
    if not isinstance(value, dict):
        return Amount(parse_number(value, path))
    check_keys(value, path, ("setting", "default"), ())
    default = parse_text(value["default"], f"{path}.default")
    if not re.fullmatch(r"scoring(\.[a-z_]+){1,3}", parse_text(value["setting"], f"{path}.setting")):
        raise bad_scheme(f"{path}.setting", value["setting"])
    return Amount(None if default == "none" else parse_number(default, path), value["setting"], default)


def check_unique(items: Iterable[str]) -> None:
    """Refuse an item id used twice, since lines of a sheet are found by it."""
    seen: set[str] = set()
    for item in items:
        if item in seen:
            raise bad_scheme(item, "item named twice")
        seen.add(item)
