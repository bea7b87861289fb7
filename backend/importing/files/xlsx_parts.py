"""Streams the two big parts of a workbook, the shared strings and the sheet, through expat.

openpyxl with defusedxml builds every cell as a Python element (about 40 µs a row more, and memory grows with the
sheet); here memory is one row. object document type declaration is refused, so there are no entities to expand.
"""

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from xml.parsers import expat

from backend.domain.refusals import Refused
from backend.importing.files.content import CHUNK, BlankRows
from backend.tickets.cell_values import CellError, serial_to_datetime

#: Longest cell text while reading, in characters; a field's own limit then refuses with `too_long`.
CELL_MAX: Final = 100_001
COLUMNS_MAX: Final = 256
_ROWS_MAX: Final = 1_048_576
_STRINGS_MAX: Final = 3_000_000
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_COLUMN: Final = re.compile(r"[A-Z]{1,3}")


def iter_part(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield the unpacked bytes of a part; never more than the zip directory declares."""
    with archive.open(name) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _refuse_doctype(*_: object) -> None:
    raise Refused("file_xml_unsafe")


def _parser() -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _feed(parser: Any, chunk: bytes) -> None:
    try:
        parser.Parse(chunk, False)
    except expat.ExpatError as bad:
        raise Refused("file_broken") from bad


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda hit: chr(int(hit[1], 16)), text) if "_x" in text else text


def read_strings(archive: zipfile.ZipFile, name: str) -> list[str]:
    """Return all shared strings, without phonetic hints, `_x000D_` escapes decoded."""
    strings: list[str] = []
    pieces: list[str] = []
    state = {"text": False, "hint": False, "length": 0}

    def start(tag: str, _: dict[str, str]) -> None:
        local = tag.rpartition(":")[2]
        if local == "t":
            state["text"] = not state["hint"]
        elif local == "rPh":
            state["hint"] = True
        elif local == "si":
            pieces.clear()
            state["length"] = 0

    def end(tag: str) -> None:
        local = tag.rpartition(":")[2]
        if local == "t":
            state["text"] = False
        elif local == "rPh":
            state["hint"] = False
        elif local == "si":
            strings.append(_unescape("".join(pieces)))
            if len(strings) > _STRINGS_MAX:
                raise Refused("file_bomb")

    def data(text: str) -> None:
        if state["text"] and state["length"] < CELL_MAX:
            pieces.append(text)
            state["length"] += len(text)

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    for chunk in iter_part(archive, name):
        _feed(parser, chunk)
    return strings


class SheetParser:
    """A worksheet being parsed: feed it bytes, get complete rows as (row number, cells by position)."""

    def __init__(self, strings: list[str], dates: frozenset[int], epoch: datetime) -> None:
        self.is_done = False
        self._blanks = BlankRows()
        self._strings, self._dates, self._epoch = strings, dates, epoch
        self._rows: list[tuple[int, list[object]]] = []
        self._row = self._column = self._length = 0
        self._cells: list[object] = []
        self._type = "n"
        self._style = 0
        self._pieces: list[str] = []
        self._collecting = self._hint = False
        self._columns: dict[str, int] = {}
        parser = self._expat = _parser()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._data

    def feed(self, chunk: bytes) -> list[tuple[int, list[object]]]:
        """Return the rows completed by this chunk. Raises Refused `file_broken`, `file_xml_unsafe`, ValueError."""
        _feed(self._expat, chunk)
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(":")[2]
        if local == "c":
            self._type = attributes.get("t", "n")
            self._style = int(attributes.get("s", 0))
            self._pieces.clear()
            self._length = 0
            place = attributes.get("r")
            self._column = self._place(place) if place else self._column + 1
        elif local == "v" or (local == "t" and self._type == "inlineStr"):
            self._collecting = not self._hint
        elif local == "row":
            self._row = int(attributes["r"]) if "r" in attributes else self._row + 1
            if not 0 < self._row <= _ROWS_MAX:
                raise Refused("file_broken")
            self._cells = []
            self._column = -1
        elif local == "rPh":
            self._hint = True

    def _data(self, text: str) -> None:
        if self._collecting and self._length < CELL_MAX:
            self._pieces.append(text)
            self._length += len(text)

    def _end(self, tag: str) -> None:
        local = tag.rpartition(":")[2]
        if local in ("v", "t"):
            self._collecting = False
        elif local == "c":
            if self._pieces and 0 <= self._column < COLUMNS_MAX:
                cells = self._cells
                while len(cells) < self._column:
                    cells.append(None)
                cells[self._column :] = [self._value("".join(self._pieces))]
        elif local == "row":
            if self._cells:
                self._rows.append((self._row, self._cells))
            else:
                self._blanks.count()
        elif local == "rPh":
            self._hint = False
        elif local == "sheetData":
            self.is_done = True

    def _place(self, reference: str) -> int:
        """Return the column (from 0) of a reference such as AB12."""
        reference_match = _COLUMN.match(reference)
        if reference_match is None:
            raise Refused("file_broken")
        column = self._columns.get(reference_match[0])
        if column is None:
            column = 0
            for message in reference_match[0]:
                column = column * 26 + ord(message) - 64
            column -= 1
            self._columns[reference_match[0]] = column
        return column

    def _value(self, text: str) -> object:
        if self._type == "s":
            try:
                return self._strings[int(text)]
            except IndexError as bad:
                raise Refused("file_broken") from bad
        if self._type == "n":
            number: int | float = float(text)
            if self._style in self._dates and 0 <= number < 2_958_466:
                return serial_to_datetime(number, self._epoch)
            return int(number) if abs(number) < 2**53 and number == int(number) else number
        if self._type == "b":
            return text.strip() == "1"
        if self._type == "e":
            return CellError(text)
        return _unescape(text)
