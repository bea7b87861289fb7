"""Opens a CSV, XLSX or JSONL file by its content and yields its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.paper.encoding import detect
from backend.paper.source import Source, is_zip
from backend.paper.textlines import Line, csv_lines, delimiter_of, json_lines, looks_like_json
from backend.paper.workbook import Workbook

#: Day 0 of the 1900 date base.
EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's serial has no zone


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened file: `kind` csv|xlsx|jsonl, `rows` an estimate for progress, `epoch` day 0 of date serials."""

    kind: str
    rows: int
    epoch: datetime
    encoding: str
    delimiter: str
    _source: Source

    def lines(self) -> Iterator[Line]:
        """Yield the rows from the first; broken ones carry a fault. Memory does not grow with the file."""
        if self.kind == "csv":
            return csv_lines(self._source, self.encoding, self.delimiter)
        if self.kind == "jsonl":
            return json_lines(self._source, self.encoding)
        return _workbook_lines(self._source)


def _workbook_lines(source: Source) -> Iterator[Line]:
    book = Workbook(source)
    try:
        yield from book.lines()
    finally:
        book.close()


def open_sheet(where: str | Path | bytes) -> Sheet:
    """Open a file by its content; its name is ignored (FF5, FF13).

    Raises Refused with a code that begins `file_`, or `too_large`.
    """
    source = Source(where)
    if is_zip(source):
        book = Workbook(source)
        try:
            return Sheet("xlsx", book.estimate(), book.epoch, "", "", source)
        finally:
            book.close()
    encoding, feeds = detect(source)
    if looks_like_json(source, encoding):
        return Sheet("jsonl", feeds, EPOCH_1900, encoding, "", source)
    return Sheet("csv", feeds, EPOCH_1900, encoding, delimiter_of(source, encoding), source)
