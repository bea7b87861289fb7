"""Reads an import file row by row into records and row refusals; the public interface of this package."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from backend.domain.refusals import Refused
from backend.importing.files.content import BlankRows
from backend.importing.files.csv_lines import RawRow
from backend.importing.files.form_types import Form, FormField, RowError
from backend.importing.files.forms import FORMS, parse_set_values
from backend.importing.files.history import KEYS, read_history_row
from backend.importing.files.messages import name_history_field, render_sentence, show_cell
from backend.importing.files.records import Record, RowRefusal
from backend.importing.files.sheet import Sheet, open_sheet
from backend.tickets.cell_values import fold
from backend.tickets.form_fields import FileContext

IMPORT_KINDS: Final = (*FORMS, "history")
#: Rows searched for the headings: there may be title lines above them (附件2 has one).
_HEADING_WITHIN: Final = 10
MAX_HEADING: Final = 60  # characters of a heading as it is reported
MAX_IGNORED: Final = 100  # headings reported as ignored


class ImportReader:
    """An opened import: iterate it for records and refusals, one for each row that is not blank.

    `rows` is an estimate of the row count, `row` the last row read, `ignored` the unused headings.
    """

    def __init__(
        self, kind: str, sheet: Sheet, set_values: Mapping[str, str], now: datetime, context: FileContext
    ) -> None:
        self.kind, self.estimated_rows, self.format = kind, sheet.estimated_rows, sheet.kind
        self.row = 0
        self.ignored_headings: tuple[str, ...] = ()
        self._sheet, self._now, self._context = sheet, now, context
        self._seen: set[int] = set()
        self._width = 0  # headings, used or not
        self._headings: dict[str, str] = {}  # field → its heading as the file has it
        self._form = FORMS.get(kind)
        self._set = parse_set_values(self._form, set_values, context) if self._form is not None else {}

    def __iter__(self) -> Iterator[Record | RowRefusal]:
        """Raises Refused when the file as a whole is unusable (headings, damage in the middle)."""
        lines = self._sheet.iter_rows()
        if self._form is None:
            return self._read_rows(lines, None, {}, {})
        if self._sheet.kind == "jsonl":
            return self._read_objects(lines, self._form)
        return self._read_table(lines, self._form)

    def name_column(self, field: str) -> str:
        """Return the column of a field as the file's own heading, else the standard one; "" for no field of this form."""
        if self._form is None:
            return name_history_field(field)
        column = self._form.index_by_heading().get(fold(field))
        return self._headings.get(column.name, column.heading) if column is not None else ""

    def _read_table(self, lines: Iterator[RawRow], form: Form) -> Iterator[Record | RowRefusal]:
        columns, fills = self._find_headings(lines, form)
        return self._read_rows(lines, form, columns, fills)

    def _read_rows(
        self, lines: Iterator[RawRow], form: Form | None, columns: dict[int, FormField], fills: dict[str, object]
    ) -> Iterator[Record | RowRefusal]:
        plan, blanks = tuple(columns.items()), BlankRows()
        for line in lines:
            self.row = line.row
            cells = line.cells
            if line.fault is None and not isinstance(cells, dict) and _is_blank(cells):
                blanks.count()
                continue
            try:
                if line.fault is not None:
                    raise RowError("", line.fault)
                if form is None:
                    given = _require_object(cells)
                    self._ignore(key for key in given if key not in KEYS)
                    yield self._check_unique(read_history_row(line.row, given, self._context), (("ticket_no",),))
                    continue
                assert isinstance(cells, list)
                if self._sheet.kind == "csv" and len(cells) > self._width and any(cells[self._width :]):
                    raise RowError("", "too_many_cells")
                yield self._make_record(
                    line.row,
                    form,
                    ((column, cells[place]) for place, column in plan if place < len(cells)),
                    fills,
                )
            except RowError as error:
                yield RowRefusal(
                    line.row, error.field, error.code, render_sentence(error.code, error.field, **error.facts)
                )

    def _read_objects(self, lines: Iterator[RawRow], form: Form) -> Iterator[Record | RowRefusal]:
        known = form.index_by_heading()
        for line in lines:
            self.row = line.row
            try:
                if line.fault is not None:
                    raise RowError("", line.fault)
                flat = _flatten(_require_object(line.cells))
                self._ignore(key for key in flat if key not in known)
                found = [(known[key], value) for key, value in flat.items() if key in known]
                present = {column.name for column, _ in found}
                fills = {**_collect_defaults(form, flat), **self._set}
                yield self._make_record(line.row, form, found, {k: v for k, v in fills.items() if k not in present})
            except RowError as error:
                yield RowRefusal(
                    line.row, error.field, error.code, render_sentence(error.code, error.field, **error.facts)
                )

    def _make_record(
        self, row: int, form: Form, cells: Iterable[tuple[FormField, object]], fills: Mapping[str, object]
    ) -> Record:
        values: dict[str, object] = {column.name: column.default for column in form.fields}
        values.update(fills)
        for column, value in cells:
            if value is None or (isinstance(value, str) and (not value or value.isspace())):
                continue
            try:
                read = column.parse(value, self._context)
            except Refused as refusal:
                raise RowError(column.name, refusal.code, **show_cell(value, refusal)) from refusal
            if read != "":
                values[column.name] = read
        for column in form.fields:
            if column.required and values[column.name] is None:
                raise RowError(column.name, "missing_field")
        return self._check_unique(form.make_record(row, values, self._now), form.unique_keys)

    def _check_unique(self, record: Record, keys: tuple[tuple[str, ...], ...]) -> Record:
        """Refuse a second row with the same key (FF7); only hashes are stored, so a million rows stay small."""
        for names in keys:
            key = tuple(getattr(record, name) for name in names)
            if None in key:
                continue
            key_hash = hash((names, key))
            if key_hash in self._seen:
                raise RowError(names[0], "duplicate_in_file", key=key[0])
            self._seen.add(key_hash)
            break
        return record

    def _ignore(self, names: Iterable[str]) -> None:
        """Remember headings, or keys of a JSONL line, that no field takes: the report lists them (XM14)."""
        fresh = [name[:MAX_HEADING] for name in names if name and name[:MAX_HEADING] not in self.ignored_headings]
        self.ignored_headings = (*self.ignored_headings, *fresh)[:MAX_IGNORED]

    def _find_headings(self, lines: Iterator[RawRow], form: Form) -> tuple[dict[int, FormField], dict[str, object]]:
        """Find the row of headings. Raises Refused `headings_missing`, `heading_twice`."""
        known = form.index_by_heading()
        wanted = min(2, len(form.fields))
        for line, _ in zip(lines, range(_HEADING_WITHIN), strict=False):
            written = [str(cell).strip() if cell is not None else "" for cell in line.cells]
            names = [fold(name) for name in written]
            if sum(name in known for name in names) >= wanted:
                break
        else:
            names, written = [], []
        columns: dict[int, FormField] = {}
        for place, name in enumerate(names):
            column = known.get(name)
            if column is not None:
                if column in columns.values():
                    raise Refused("heading_twice", field=column.name, heading=written[place][:MAX_HEADING])
                columns[place] = column
                self._headings[column.name] = written[place][:MAX_HEADING]
        present = {column.name for column in columns.values()}
        self._width = len(names)
        self._ignore(name for name in names if name and name not in known)
        fills = {**_collect_defaults(form, names), **self._set}
        missing = [
            one.heading for one in form.fields if one.required and one.name not in present and one.name not in fills
        ]
        if missing:
            raise Refused("headings_missing", fields="、".join(missing))
        return columns, {name: value for name, value in fills.items() if name not in present}


def _is_blank(cells: list[object]) -> bool:
    return not any(cell is not None and (not isinstance(cell, str) or cell.strip()) for cell in cells)


def _require_object(cells: list[object] | dict[str, object]) -> dict[str, object]:
    if not isinstance(cells, dict):
        raise RowError("", "unreadable_line")
    return cells


def _flatten(given: dict[str, object]) -> dict[str, object]:
    """Fold the keys; `requester: {name, phone}` as in the API becomes requester.name, requester.phone."""
    flat: dict[str, object] = {}
    for key, value in given.items():
        if isinstance(value, dict):
            flat.update({f"{fold(key)}.{fold(inner)}": one for inner, one in value.items()})
        else:
            flat[fold(key)] = value
    return flat


def _collect_defaults(form: Form, names: Any) -> dict[str, Any]:
    found: dict[str, object] = {}
    for heading, defaults in form.heading_defaults.items():
        if heading in names:
            found.update(defaults)
    return found


def open_import(
    kind: str,
    origin: str | Path | bytes,
    *,
    set_values: Mapping[str, str] | None = None,
    now: datetime,
    context: FileContext | None = None,
) -> ImportReader:
    """Open a file for an import of `kind` (its form in `FORMS`, or `history`).

    `now` is the `generated_at` of tickets that have none. Raises Refused for the whole file: `unknown_kind`, codes
    that begin `file_`, `too_large`, `unknown_field`, `bad_set_value`; iterating may raise `headings_missing`,
    `heading_twice`, `file_broken`, `file_blank_rows`, `file_bomb`. `messages.render_refusal` renders the sentences.
    """
    if kind not in IMPORT_KINDS:
        raise Refused("unknown_kind", kind=kind)
    sheet = open_sheet(origin)
    if kind == "history" and sheet.kind != "jsonl":
        raise Refused("file_needs_jsonl")
    frame = context or FileContext()
    return ImportReader(kind, sheet, set_values or {}, now, FileContext(frame.zone, sheet.epoch, frame.countries))
