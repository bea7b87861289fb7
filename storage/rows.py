"""Between nouns and rows: how a dataclass is written into columns and read back, the same on both engines."""

import dataclasses
import json
import operator
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Table

from backend.domain.instants import instant, micros
from backend.domain.records import Assignment, Duty, Letter, Line, Request, Ticket, Unit, Visit
from storage import tables

T = TypeVar("T")

TABLE_OF: dict[type, Table] = {
    Ticket: tables.tickets, Assignment: tables.assignments, Duty: tables.duties, Request: tables.requests,
    Visit: tables.visits, Line: tables.journal, Letter: tables.letters, Unit: tables.units,
}  # fmt: skip


PLAIN = frozenset({type(None), str, int, bool, bytes})  # kept as they are


def encode(value: Any) -> Any:
    """A Python value as a column keeps it: instants as microseconds, collections as JSON, flags as a sorted line."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, datetime):
        return micros(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return value


def _reader(annotation: Any) -> Callable[[Any], Any] | None:
    """How a column of this annotated type is read back; None when it needs nothing."""
    options = [a for a in typing.get_args(annotation) if a is not types.NoneType]
    origin = typing.get_origin(annotation)
    kind = options[0] if origin in (types.UnionType, typing.Union) and options else annotation
    origin = typing.get_origin(kind) or kind
    if kind is datetime:
        return instant
    if kind is bool:
        return bool
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return {member.value: member for member in kind}.__getitem__
    if origin is frozenset:
        return lambda line: frozenset(line.split())
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return lambda body: json.loads(body) if isinstance(body, str) else body
    return None


class Shape:
    """The fields of one dataclass with their readers, worked out once."""

    def __init__(self, noun: type) -> None:
        hints = typing.get_type_hints(noun)
        self.noun = noun
        self.names = tuple(f.name for f in dataclasses.fields(noun))
        self._fields = operator.attrgetter(*self.names)
        self._readers = tuple((i, r) for i, n in enumerate(self.names) if (r := _reader(hints[n])) is not None)

    def read(self, row: "typing.Sequence[Any]") -> Any:
        """The noun of a row whose columns stand in field order."""
        values = list(row)
        for index, reader in self._readers:
            if values[index] is not None:
                values[index] = reader(values[index])
        return self.noun(*values)

    def of(self, row: Mapping[str, Any]) -> Any:
        """The noun of a mapping of columns."""
        return self.read([row[name] for name in self.names])

    def write(self, noun: Any) -> tuple[Any, ...]:
        """Column values of a noun in field order."""
        return tuple([v if type(v) in PLAIN else encode(v) for v in self._fields(noun)])


SHAPES: dict[type, Shape] = {noun: Shape(noun) for noun in TABLE_OF}
