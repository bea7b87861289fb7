"""Checks the values of a Bot API request against the tables of `sandbox.telegram.parameters`."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram import parameters
from sandbox.telegram.text import count_utf16

_ROWS = re.compile(
    r"(?P<name>\w+)(?P<required>!?):(?P<kinds>[\w\[\]]+(?:\|\s*[\w\[\]]+)*)"
    r"(?:\{(?P<low>\d+)-(?P<high>\d+)(?P<unit>b?~?)\})?"
)


@dataclass(frozen=True)
class Length:
    """The least and greatest length, in UTF-16 units or `in_bytes`; the method's handler measures it if `by_handler`."""

    low: int
    high: int
    in_bytes: bool = False
    by_handler: bool = False

    def allows(self, text: str) -> bool:
        """Whether a text is of this length."""
        return self.low <= (len(text.encode()) if self.in_bytes else count_utf16(text)) <= self.high


@dataclass(frozen=True)
class Field:
    """A parameter of a method or a field of an object; `kinds` are alternatives."""

    kinds: tuple[str, ...]
    required: bool
    length: Length | None = None


def _parse_fields(rows: str) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for row in _ROWS.finditer(rows):
        length = None
        if row["high"]:
            length = Length(int(row["low"]), int(row["high"]), "b" in row["unit"], "~" in row["unit"])
        kinds = tuple("".join(row["kinds"].split()).split("|"))
        found[row["name"]] = Field(kinds, bool(row["required"]), length)
    return found


METHODS = {name: _parse_fields(rows) for name, rows in parameters.METHODS.items()}
OBJECTS = {name: _parse_fields(rows) for name, rows in parameters.OBJECTS.items()}


@dataclass
class Findings:
    """What is amiss with a request: names nobody documents, and values of a wrong type or length."""

    unknown: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How much is amiss."""
        return len(self.unknown) + len(self.wrong)

    def add(self, more: "Findings") -> None:
        """Add the findings of a part."""
        self.unknown += more.unknown
        self.wrong += more.wrong


def check_request(method: str, values: Mapping[str, Any], uploads: Iterable[str] = ()) -> Findings:
    """Check the parameters of a method; `uploads` are names of file parts that stand for a parameter themselves.

    Missing parameters are not looked for: the server names the first in the words of the Bot API.
    """
    fields, findings = METHODS[method], Findings()
    findings.unknown += [name for name in (*values, *uploads) if name not in fields]
    for name, value in values.items():
        if name in fields:
            findings.add(_check(fields[name], _decode(fields[name].kinds, value), name))
    for name in uploads:
        if name in fields and "InputFile" not in fields[name].kinds:
            findings.wrong.append(f"{name} may not be a file")
    return findings


def _decode(kinds: tuple[str, ...], value: object) -> object:
    """Return the value behind a form's text: a number, a boolean, or what its JSON says; the text itself otherwise."""
    if not isinstance(value, str) or "String" in kinds:
        return value
    text = value.lower() if kinds == ("Boolean",) else value
    try:
        return json.loads(text)
    except ValueError:
        return value


def _check(row: Field, value: object, path: str) -> Findings:
    tried = [_check_kind(kind, value, path) for kind in row.kinds]
    best = min(tried, key=lambda one: one.count)
    if row.length and not row.length.by_handler and isinstance(value, str) and not row.length.allows(value):
        best.wrong.append(f"{path} must have {row.length.low} to {row.length.high}")
    return best


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


PLAIN_KINDS: dict[str, Callable[[object], bool]] = {
    "Integer": _is_integer,
    "Float": lambda value: _is_integer(value) or isinstance(value, float),
    "Boolean": lambda value: isinstance(value, bool),
    "String": lambda value: isinstance(value, str),
    "InputFile": lambda value: isinstance(value, str) and value.startswith("attach://"),
}


def _check_kind(kind: str, value: object, path: str) -> Findings:
    if kind.endswith("[]"):
        if not isinstance(value, list):
            return Findings(wrong=[f"{path} must be an array"])
        findings = Findings()
        for number, one in enumerate(value):
            findings.add(_check_kind(kind[:-2], one, f"{path}[{number}]"))
        return findings
    if kind in PLAIN_KINDS:
        return Findings() if PLAIN_KINDS[kind](value) else Findings(wrong=[f"{path} must be of type {kind}"])
    if kind in parameters.UNIONS:
        return min((_check_kind(one, value, path) for one in parameters.UNIONS[kind]), key=lambda one: one.count)
    if kind == "KeyboardButton" and isinstance(value, str):
        return Findings()  # a text alone is a button too
    if kind not in OBJECTS:
        return Findings(unknown=[f"{path} ({kind})"])
    if not isinstance(value, dict):
        return Findings(wrong=[f"{path} must be a {kind}"])
    return _check_object(OBJECTS[kind], value, path)


def _check_object(fields: Mapping[str, Field], value: Mapping[str, object], path: str) -> Findings:
    findings = Findings(unknown=[f"{path}.{name}" for name in value if name not in fields])
    findings.wrong += [
        f"{path}.{name} is missing" for name, row in fields.items() if row.required and name not in value
    ]
    for name, one in value.items():
        if name in fields:
            findings.add(_check(fields[name], one, f"{path}.{name}"))
    return findings
