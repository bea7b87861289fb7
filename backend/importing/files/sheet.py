"""Opens a CSV, XLSX or JSONL file by its content and yields its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.importing.files.content import FileContent, is_zip
from backend.importing.files.csv_lines import RawRow, detect_delimiter, is_json, iter_csv_rows, iter_json_rows
from backend.importing.files.encoding import detect_encoding
from backend.importing.files.workbook import Workbook
from backend.tickets.cell_values import EPOCH_1900


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened file: `kind` csv|xlsx|jsonl, `rows` an estimate for progress, `epoch` day 0 of date serials."""

    kind: str
    estimated_rows: int
    epoch: datetime
    encoding: str
    delimiter: str
    _source: FileContent

    def iter_rows(self) -> Iterator[RawRow]:
        """Yield the rows from the first; broken ones carry a fault. Memory does not grow with the file."""
        if self.kind == "csv":
            return iter_csv_rows(self._source, self.encoding, self.delimiter)
        if self.kind == "jsonl":
            return iter_json_rows(self._source, self.encoding)
        return _iter_workbook_rows(self._source)


def _iter_workbook_rows(source: FileContent) -> Iterator[RawRow]:
    book = Workbook(source)
    try:
        yield from book.iter_rows()
    finally:
        book.close()


def open_sheet(origin: str | Path | bytes) -> Sheet:
    """Open a file by its content; its name is ignored (FF5, FF13).

    Raises Refused with a code that begins `file_`, or `too_large`.
    """
    source = FileContent(origin)
    if is_zip(source):
        book = Workbook(source)
        try:
            return Sheet("xlsx", book.estimate_rows(), book.epoch, "", "", source)
        finally:
            book.close()
    encoding, feeds = detect_encoding(source)
    if is_json(source, encoding):
        return Sheet("jsonl", feeds, EPOCH_1900, encoding, "", source)
    return Sheet("csv", feeds, EPOCH_1900, encoding, detect_delimiter(source, encoding), source)
