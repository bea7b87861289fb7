"""Gives access to an uploaded file by its content, never by the name its sender gave it (FF5, FF13)."""

import io
from pathlib import Path
from typing import BinaryIO

from backend.domain.file_structure.stowaways import ZIP_END, ZIP_TAIL
from backend.domain.refusals import Refused

#: Largest file accepted, in bytes.
SIZE_MAX = 1024 * 1024 * 1024
#: Longest line of a text file, in characters; longer ones are refused as one row.
LINE_MAX = 1_000_000
CHUNK = 1 << 18
MAX_BLANK_ROWS = 20_000  # of a file; reading on would keep everybody waiting for nothing

#: First bytes of files that people send by mistake → what the refusal calls them.
_WRONG_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf"),
    (b"MZ", "exe"),
    (b"\x7fELF", "exe"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"{\\rtf", "document"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = (b"<html", b"<!doctype", b"<?xml", b"<table", b"<meta")


class FileContent:
    """Bytes in memory or a path on our own disk; can be opened any number of times.

    Raises Refused `file_missing`, `file_empty`, `too_large`.
    """

    def __init__(self, origin: str | Path | bytes) -> None:
        self._origin = origin
        if isinstance(origin, bytes):
            self.size = len(origin)
        else:
            try:
                self.size = Path(origin).stat().st_size
                if not Path(origin).is_file():
                    raise Refused("file_missing")
            except OSError as lost:
                raise Refused("file_missing") from lost
        if self.size == 0:
            raise Refused("file_empty")
        if self.size > SIZE_MAX:
            raise Refused("too_large", limit=SIZE_MAX)

    def open(self) -> BinaryIO:
        """Open a new binary stream at the first byte; the caller closes it."""
        if isinstance(self._origin, bytes):
            return io.BytesIO(self._origin)
        try:
            return open(self._origin, "rb")
        except OSError as lost:
            raise Refused("file_missing") from lost

    def read_head(self, size: int = 4096) -> bytes:
        """Return the first `size` bytes."""
        with self.open() as stream:
            return stream.read(size)

    def read_tail(self, size: int) -> bytes:
        """Return the last `size` bytes."""
        with self.open() as stream:
            stream.seek(max(0, self.size - size))
            return stream.read()


class BlankRows:
    """Counts the blank rows of a file. Refused `file_blank_rows` when there are too many to be a form (XS11)."""

    def __init__(self) -> None:
        self._count = 0

    def count(self) -> None:
        """Count one."""
        self._count += 1
        if self._count > MAX_BLANK_ROWS:
            raise Refused("file_blank_rows", limit=MAX_BLANK_ROWS)


def is_zip(source: FileContent) -> bool:
    """Whether it may be a workbook.

    Raises Refused `file_old_excel`, `file_wrong_kind` for other formats (FF5), `file_disguised` for a text that ends as an
    archive (XS13).
    """
    head = source.read_head()
    if head.startswith(_OLE):
        raise Refused("file_old_excel")
    for mark, kind in _WRONG_KINDS:
        if head.startswith(mark):
            raise Refused("file_wrong_kind", what=kind)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise Refused("file_wrong_kind", what="html")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return True
    if ZIP_END in source.read_tail(ZIP_TAIL):
        raise Refused("file_disguised")
    return False
