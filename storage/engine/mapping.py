"""Converts dataclasses to table rows and back, the same on both engines."""

import dataclasses
import json
import operator
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Table

from backend.domain.instants import from_micros
from backend.domain.records import Assignment, Duty, JournalEntry, Message, Request, Ticket, Unit, Visit
from backend.domain.stored_form import PLAIN_TYPES, encode
from storage import tables

if typing.TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["MAPPERS", "TABLE_OF", "RowMapper", "decode_instant", "encode"]

T = TypeVar("T", bound="DataclassInstance")

TABLE_OF: dict[type, Table] = {
    Ticket: tables.tickets, Assignment: tables.assignments, Duty: tables.duties, Request: tables.requests,
    Visit: tables.visits, JournalEntry: tables.journal, Message: tables.outbox, Unit: tables.units,
}  # fmt: skip


def decode_instant(value: int | None) -> datetime | None:
    """Return a stored instant; None for None."""
    return None if value is None else from_micros(value)


def _reader(annotation: Any) -> Callable[[Any], Any] | None:
    """Return the function that decodes a column of this annotated type; None if none is needed."""
    options = [a for a in typing.get_args(annotation) if a is not types.NoneType]
    origin = typing.get_origin(annotation)
    kind = options[0] if origin in (types.UnionType, typing.Union) and options else annotation
    origin = typing.get_origin(kind) or kind
    if kind is datetime:
        return from_micros
    if kind is bool:
        return bool
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return cache(kind)
    if origin is frozenset:
        return lambda line: frozenset(line.split())
    if origin is tuple:
        return lambda body: tuple(json.loads(body))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return lambda body: json.loads(body) if isinstance(body, str) else body
    return None


class RowMapper(Generic[T]):
    """Maps one dataclass to rows; field readers are worked out once."""

    def __init__(self, record_type: type[T]) -> None:
        hints = typing.get_type_hints(record_type)
        self.record_type = record_type
        self.names = tuple(f.name for f in dataclasses.fields(record_type))
        self._fields = operator.attrgetter(*self.names)
        self._readers = tuple((i, r) for i, n in enumerate(self.names) if (r := _reader(hints[n])) is not None)

    def columns(self, table: Table) -> list[Column[object]]:
        """Return the columns of the fields, in their order, for a SELECT whose rows `read` takes."""
        return [table.c[name] for name in self.names]

    def read(self, row: "typing.Sequence[object]") -> T:
        """Build the record from a row whose columns are in field order."""
        values = list(row)
        for index, reader in self._readers:
            if values[index] is not None:
                values[index] = reader(values[index])
        return self.record_type(*values)

    def from_mapping(self, row: Mapping[str, object]) -> T:
        """Build the record from a mapping of columns."""
        return self.read([row[name] for name in self.names])

    def write(self, record: T) -> tuple[object, ...]:
        """Return the record's column values in field order."""
        return tuple([v if type(v) in PLAIN_TYPES else encode(v) for v in self._fields(record)])

    def values(self, record: T) -> dict[str, object]:
        """Return the record's column values by column, for an INSERT or UPDATE."""
        return dict(zip(self.names, self.write(record), strict=True))


MAPPERS: dict[type, RowMapper[Any]] = {noun: RowMapper(noun) for noun in TABLE_OF}
