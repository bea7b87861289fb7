"""Types that describe an import form: its columns, how they make a row, and what makes a row unique."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from backend.importing.files.records import Record
from backend.tickets.cell_values import fold
from backend.tickets.form_fields import FieldParser


class RowError(Exception):
    """A row that cannot be imported: the field, the code, the facts of its sentence."""

    def __init__(self, field_name: str, code: str, **facts: object) -> None:
        super().__init__(code)
        self.field, self.code, self.facts = field_name, code, facts


MakeRecord = Callable[[int, dict[str, object], datetime], Record]


@dataclass(frozen=True, slots=True)
class FormField:
    """A column: its name, its parser, other headings for it (separated by |), and what a blank means."""

    name: str
    parse: FieldParser
    aliases: str = ""
    required: bool = False
    default: object = None

    @property
    def heading(self) -> str:
        """The standard heading: the first Chinese one, else its name."""
        return choose_heading(self.name, self.aliases)


def choose_heading(name: str, aliases: str) -> str:
    """Return the first Chinese heading among `aliases` (separated by |), else the name."""
    return next((one for one in aliases.split("|") if one and not one.isascii()), name)


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of import.

    `unique_keys` are sets of fields that make a row unique in its file; the first set without blanks counts.
    `heading_defaults` are defaults that apply when a certain heading is present.
    """

    kind: str
    fields: tuple[FormField, ...]
    make_record: MakeRecord
    unique_keys: tuple[tuple[str, ...], ...] = ()
    heading_defaults: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def index_by_heading(self) -> dict[str, FormField]:
        """Return the fields by folded heading."""
        found: dict[str, FormField] = {}
        for column in self.fields:
            for heading in (column.name, *filter(None, column.aliases.split("|"))):
                found[fold(heading)] = column
        return found
