"""Streams the rows of CSV and JSON Lines; a broken row costs that row and no other (FF2)."""

import csv
import io
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from backend.domain.refusals import Refused
from backend.importing.files.content import CHUNK, LINE_MAX, BlankRows, FileContent

#: Characters re-read after broken records before the whole file is refused.
_REREAD_MAX = 64_000_000
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class RawRow:
    """One raw row: `cells` by position (tables) or by key (JSON), or the code of a fault."""

    row: int
    cells: list[Any] | dict[str, Any]
    fault: str | None = None


def open_text(source: FileContent, encoding: str) -> TextIO:
    """Open the file as strict text, line ends unchanged."""
    return io.TextIOWrapper(source.open(), encoding=encoding, errors="strict", newline="")


def is_json(source: FileContent, encoding: str) -> bool:
    """Whether the first character is `{` or `[`."""
    with open_text(source, encoding) as text:
        return text.read(4096).lstrip()[:1] in ("{", "[")


def detect_delimiter(source: FileContent, encoding: str) -> str:
    """Return the delimiter most used outside quotes in the first non-empty line; a comma when there is none."""
    with open_text(source, encoding) as text:
        first = ""
        for _ in range(20):
            first = text.readline(LINE_MAX)
            if first.strip():
                break
    outside = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


class _LineBuffer:
    """Lines of a text, with push-back."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._text.readline(LINE_MAX)
        if not line:
            raise StopIteration
        if len(line) == LINE_MAX and line[-1] not in "\r\n":
            self.cut = True
            while (rest := self._text.readline(LINE_MAX)) and rest[-1] not in "\r\n":
                pass
        self.taken.append(line)
        return line

    def push_back(self) -> int:
        """Push back all lines taken but the first; return their number of characters."""
        lines = self.taken[1:]
        self._back.extendleft(reversed(lines))
        return sum(map(len, lines))


def iter_csv_rows(source: FileContent, encoding: str, delimiter: str) -> Iterator[RawRow]:
    """Yield records numbered as a spreadsheet shows them, the header being row 1.

    A record that cannot be read (open quote, a cell over 131,072 characters) becomes a Line with the fault
    `unreadable_line`; reading continues at the next line. Raises Refused `file_broken` after too much re-reading.
    """
    with open_text(source, encoding) as text:
        tape = _LineBuffer(text)
        reader = csv.reader(tape, delimiter=delimiter, strict=True)
        row = reread = 0
        while True:
            tape.taken.clear()
            tape.cut = False
            row += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield RawRow(row, [], "unreadable_line")
                reread += tape.push_back()
                if reread > _REREAD_MAX:
                    raise Refused("file_broken") from None
                reader = csv.reader(tape, delimiter=delimiter, strict=True)
                continue
            if tape.cut:
                yield RawRow(row, [], "unreadable_line")
            else:
                yield RawRow(row, cells)


def _refuse_constant(word: str) -> object:
    raise ValueError(word)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def iter_json_rows(source: FileContent, encoding: str) -> Iterator[RawRow]:
    """Yield one object a line, numbered by line; or the objects of one JSON array, numbered from 1."""
    with open_text(source, encoding) as text:
        head = text.read(4096)
    if head.lstrip().startswith("["):
        yield from _iter_array_rows(source, encoding)
        return
    with open_text(source, encoding) as text:
        tape = _LineBuffer(text)
        blanks = BlankRows()
        for row, line in enumerate(tape, 1):
            tape.taken.clear()
            if not line.strip():
                blanks.count()
                continue
            if tape.cut:
                tape.cut = False
                yield RawRow(row, {}, "unreadable_line")
                continue
            try:
                value = _DECODER.decode(line)
            except (ValueError, RecursionError):
                yield RawRow(row, {}, "unreadable_line")
                continue
            yield _make_row(row, value)


def _make_row(row: int, value: object) -> RawRow:
    return RawRow(row, value) if isinstance(value, dict) else RawRow(row, {}, "unreadable_line")


def _iter_array_rows(source: FileContent, encoding: str) -> Iterator[RawRow]:
    """Stream the members of one big array; what follows a broken member is lost and reported as one fault."""
    with open_text(source, encoding) as text:
        buffer = text.read(CHUNK).lstrip()[1:]
        is_at_end = row = 0
        while True:
            buffer = buffer.lstrip(" \t\r\n,")
            if buffer.startswith("]"):
                return
            try:
                value, end = _DECODER.raw_decode(buffer)
                is_complete = end < len(buffer)  # a number may continue in the next chunk
            except (ValueError, RecursionError):
                is_complete = False
            if is_complete:
                row += 1
                yield _make_row(row, value)
                buffer = buffer[end:]
                continue
            more = text.read(CHUNK)
            if not more:
                is_at_end += 1
            if is_at_end or len(buffer) > LINE_MAX:
                yield RawRow(row + 1, {}, "unreadable_line")
                return
            buffer += more
