"""Streams the rows of an XLSX workbook; refuses bombs, macros, entities and external links (FF3, FF4, FF9, FF10).

What is read: the first visible sheet only; hidden and filtered rows like any other; of merged cells the upper left
one has the value, the rest are empty; a formula counts as the value the spreadsheet program last stored, and is empty
when none was stored.
"""

import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from backend.domain.file_structure.stowaways import ZIP_END, ZIP_TAIL
from backend.domain.refusals import Refused
from backend.importing.files.content import FileContent
from backend.importing.files.csv_lines import RawRow
from backend.importing.files.xlsx_parts import SheetParser, iter_part, read_strings
from backend.importing.files.zip_layout import check_layout

_ENTRIES_MAX: Final = 2000
_UNPACKED_MAX: Final = 1 << 30  # bytes unpacked, all parts
_SMALL_MAX: Final = 4 << 20  # bytes unpacked, of a part read in one piece
_STRINGS_MAX: Final = 160 << 20
#: Ratio of unpacked to packed bytes. Real sheets have 5-40; a deflate bomb has nearly 1000.
_RATIO_MAX: Final = 120
_RATIO_MIN_SIZE: Final = 8 << 20
#: Raised on damaged or hostile workbooks; SyntaxError by the XML parser, RuntimeError by an encrypted zip.
_DAMAGE_ERRORS: Final = (
    zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, OSError,
    EOFError, NotImplementedError, SyntaxError, RuntimeError,
)  # fmt: skip
_TYPES: Final = "[Content_Types].xml"
_SMALL: Final = re.compile(r"(\.rels|\[Content_Types\]\.xml|workbook\.xml|styles\.xml)$", re.IGNORECASE)
_ROW_TAG: Final = re.compile(rb"<(?:\w+:)?row[\s>/]")


class Workbook:
    """An opened workbook.

    Raises Refused `file_bomb`, `file_disguised`, `file_has_macros`, `file_has_links`, `file_xml_unsafe`, `file_wrong_kind`,
    `file_broken`, `file_no_sheet`; all of them before a row is unpacked.
    """

    def __init__(self, source: FileContent) -> None:
        end = _find_end(source)
        self._stream = source.open()
        try:
            self._zip = zipfile.ZipFile(self._stream)
            self._check_archive()
            check_layout(self._zip, self._stream, end, source.size)
            self._read_meta()
        except _DAMAGE_ERRORS as bad:
            self._stream.close()
            unsafe = type(bad).__module__.startswith("defusedxml")
            raise Refused("file_xml_unsafe" if unsafe else "file_broken") from bad
        except Refused:
            self._stream.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._stream.close()

    def estimate_rows(self) -> int:
        """Count the rows of the sheet without parsing them."""
        count, tail = 0, b""
        try:
            for chunk in iter_part(self._zip, self._sheet):
                # The end of a chunk is searched again with the next one: a tag may span both.
                piece = tail + chunk
                cut = piece.rfind(b"<")
                cut = len(piece) if cut < len(piece) - 16 else cut
                count += len(_ROW_TAG.findall(piece[:cut]))
                tail = piece[cut:]
        except _DAMAGE_ERRORS as bad:
            raise Refused("file_broken") from bad
        return count

    def iter_rows(self) -> Iterator[RawRow]:
        """Yield rows numbered as the spreadsheet shows them; cells are text, numbers, booleans, datetimes."""
        try:
            strings = read_strings(self._zip, self._strings) if self._strings else []
            part = SheetParser(strings, self._dates, self.epoch)
            for chunk in iter_part(self._zip, self._sheet):
                for row, cells in part.feed(chunk):
                    yield RawRow(row, cells)
                if part.is_done:
                    return
        except _DAMAGE_ERRORS as bad:
            raise Refused("file_broken") from bad

    def _check_archive(self) -> None:
        """Check sizes, ratios and forbidden parts before any row is unpacked."""
        total = 0
        names = set()
        for part in self._zip.infolist():
            total += part.file_size
            names.add(part.filename)
            limit = _SMALL_MAX if _SMALL.search(part.filename) else _UNPACKED_MAX
            if part.filename.lower().endswith("sharedstrings.xml"):
                limit = _STRINGS_MAX
            is_bomb = part.file_size > _RATIO_MIN_SIZE and part.file_size > _RATIO_MAX * max(part.compress_size, 1)
            if is_bomb or part.file_size > limit or total > _UNPACKED_MAX:
                raise Refused("file_bomb")
        if _TYPES not in names:
            raise Refused("file_wrong_kind", what="archive")
        types = self._zip.read(_TYPES).lower()
        if b"macroenabled" in types or any(name.lower().endswith("vbaproject.bin") for name in names):
            raise Refused("file_has_macros")
        if b"spreadsheetml.sheet.main" not in types and b"spreadsheetml.template.main" not in types:
            raise Refused("file_wrong_kind", what="document")
        if any(name.lower().startswith("xl/externallinks/") for name in names):
            raise Refused("file_has_links")

    def _read_meta(self) -> None:
        """Read sheets, date base and date styles with openpyxl, which would hold the rows themselves in memory.

        openpyxl uses lxml where installed, which accepts DTDs: each part is checked here first (FF4).
        """
        from defusedxml.ElementTree import fromstring
        from openpyxl.packaging.relationship import get_dependents, get_rels_path
        from openpyxl.reader.excel import ExcelReader
        from openpyxl.styles.stylesheet import apply_stylesheet

        for part in self._zip.infolist():
            if _SMALL.search(part.filename):
                fromstring(self._zip.read(part), forbid_dtd=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader: Any = ExcelReader(self._stream, read_only=True, data_only=True, keep_links=False)
            reader.read_manifest()
            reader.read_workbook()
            try:
                apply_stylesheet(reader.archive, reader.wb)
                self._dates: frozenset[int] = frozenset(reader.wb._date_formats)
            except (ValueError, TypeError, KeyError, AttributeError, IndexError):
                self._dates = frozenset()  # a damaged style sheet does not matter: serials are read as dates anyway
            self.epoch: datetime = reader.wb.epoch
            names = set(reader.archive.namelist())
            sheets = [
                rel.target
                for sheet, rel in reader.parser.find_sheets()
                if sheet.state == "visible" and "worksheet" in rel.Type and rel.target in names
            ]
            if not sheets:
                raise Refused("file_no_sheet")
            self._sheet: str = sheets[0]
            rels_path: Any = get_rels_path
            book = rels_path(reader.parser.workbook_part_name)
            strings = [
                rel.target for rel in get_dependents(reader.archive, book) if rel.Type.endswith("/sharedStrings")
            ]
            self._strings: str | None = strings[0] if strings and strings[0] in names else None


def _find_end(source: FileContent) -> int:
    """Return where the end of a zip stands; refuse one with very many members before its directory is read."""
    tail = source.read_tail(ZIP_TAIL)
    position = tail.rfind(ZIP_END)
    if position < 0 or len(tail) < position + 22:
        raise Refused("file_broken")
    (entries,) = struct.unpack_from("<H", tail, position + 10)
    if entries > _ENTRIES_MAX:
        raise Refused("file_bomb")
    return source.size - len(tail) + position
