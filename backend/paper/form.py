"""What a form of an import is made of: columns, how a row is made of them, and what makes it unique."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.paper.fields import Reader
from backend.paper.records import Record
from backend.paper.words import fold


class RowFault(Exception):
    """A row that cannot be taken: the field, the code, the facts of its sentence."""

    def __init__(self, field_name: str, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.field, self.code, self.facts = field_name, code, facts


Make = Callable[[int, dict[str, Any], datetime], Record]


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name here, its reader, other headings for it (by |), and what a blank means."""

    name: str
    read: Reader
    headings: str = ""
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of import. `keys` are fields that make a row unique in a file, the first set without blanks counting;
    `dialects` are defaults that hold when a certain heading is there."""

    kind: str
    fields: tuple[Field, ...]
    make: Make
    keys: tuple[tuple[str, ...], ...] = ()
    dialects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def by_heading(self) -> dict[str, Field]:
        """Folded heading → field."""
        found: dict[str, Field] = {}
        for column in self.fields:
            for heading in (column.name, *filter(None, column.headings.split("|"))):
                found[fold(heading)] = column
        return found
