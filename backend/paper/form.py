"""Types that describe an import form: its columns, how they make a row, and what makes a row unique."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.paper.records import Record
from backend.paper.words import fold
from backend.tickets.form_fields import FieldParser


class RowFault(Exception):
    """A row that cannot be imported: the field, the code, the facts of its sentence."""

    def __init__(self, field_name: str, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.field, self.code, self.facts = field_name, code, facts


Make = Callable[[int, dict[str, Any], datetime], Record]


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name, its parser, other headings for it (separated by |), and what a blank means."""

    name: str
    read: FieldParser
    headings: str = ""
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of import.

    `keys` are sets of fields that make a row unique in its file; the first set without blanks counts.
    `dialects` are defaults that apply when a certain heading is present.
    """

    kind: str
    fields: tuple[Field, ...]
    make: Make
    keys: tuple[tuple[str, ...], ...] = ()
    dialects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def by_heading(self) -> dict[str, Field]:
        """Return the fields by folded heading."""
        found: dict[str, Field] = {}
        for column in self.fields:
            for heading in (column.name, *filter(None, column.headings.split("|"))):
                found[fold(heading)] = column
        return found
