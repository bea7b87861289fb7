"""Reads a PDF object by object to its last mark: nothing stands before, between or behind (XS13; ISO 32000).

Offsets are not judged: viewers repair them, and many programs write them wrongly.
"""

import re

from backend.domain.file_structure.active import ActiveParts
from backend.domain.file_structure.stowaways import refuse_page
from backend.domain.refusals import Refused

MAX_REMARKS = 16 * 1024  # bytes of all comments
MAX_TRAILER = 64 * 1024  # bytes of one
LAST_REMARKS = 1024  # bytes before a trailer's pointer in which they may stand
MAX_PARTS = 200_000  # objects, tables, remarks and ends
_BLANKS = re.compile(rb"[\0\t\n\f\r\x1a ]*")
_HEADER = re.compile(rb"%PDF-[12]\.[0-9][^\r\n]{0,64}(?=[\r\n])")
_PART = re.compile(
    rb"(?P<end>%%EOF)|(?P<remark>%[^\r\n]*)|(?P<object>[0-9]{1,10}\s+[0-9]{1,5}\s+obj\b)|(?P<table>xref\b)"
    rb"|(?P<trailer>trailer\b)|(?P<pointer>startxref\s+[0-9]+)"
)
_WITHIN = re.compile(rb"endobj|(?<!end)stream *(?:\r\n|\n|\r)")
_LENGTH = re.compile(rb"/Length\s+([0-9]{1,10})(?!\s+[0-9]+\s+R)(?![0-9])")
_STREAM_END = re.compile(rb"\s{0,2}endstream\b")
_LAST_END = re.compile(rb"endstream\s*endobj")
_TABLE = re.compile(rb"(?:\s*[0-9]+\s+[0-9]+(?:\s+[fn])?(?=\s))*")
_BEHIND_TRAILER = re.compile(rb"\bstartxref\b|%%EOF")
_STREAM_OVER = re.compile(rb"\s*endobj")


def check_pdf(content: bytes) -> None:
    """Refused `file_broken`, `file_disguised`, `file_active`, `file_bomb`."""
    header = _HEADER.match(content)
    if header is None:
        raise Refused("file_broken")
    at, remarks, objects, last, active = header.end(), 0, 0, "", ActiveParts()
    for _ in range(MAX_PARTS):
        blanks = _BLANKS.match(content, at)
        at = blanks.end() if blanks is not None else at
        if at == len(content):
            if last != "end" or not objects:
                raise Refused("file_broken")
            return
        found = _PART.match(content, at)
        if found is None:
            raise Refused("file_disguised" if last == "end" or objects else "file_broken")
        last, at = found.lastgroup or "", found.end()
        if last == "remark":
            remarks += len(found[0])
            refuse_page(found[0])
            if remarks > MAX_REMARKS:
                raise Refused("file_disguised")
        elif last == "object":
            objects, at = objects + 1, _read_object(content, at, active)
        elif last == "table":
            table = _TABLE.match(content, at)
            at = table.end() if table is not None else at
        elif last == "trailer":
            start, at = at, _find_trailer_end(content, at)
            active.refuse(content[start:at])
    raise Refused("file_bomb")


def _find_trailer_end(content: bytes, start: int) -> int:
    """Return the position behind a trailer, where its pointer or the end stands; some writers leave a remark before."""
    behind = _BEHIND_TRAILER.search(content, start, start + MAX_TRAILER)
    if behind is None:
        raise Refused("file_broken")
    trailer = content[start : behind.start()]
    refuse_page(trailer)
    lines = trailer[-LAST_REMARKS:].splitlines()
    while lines and (not lines[-1].strip() or lines[-1].startswith(b"%")):
        lines.pop()
    if not trailer.lstrip().startswith(b"<<") or not lines or not lines[-1].rstrip().endswith(b">>"):
        raise Refused("file_broken")
    return behind.start()


def _read_object(content: bytes, start: int, active: ActiveParts) -> int:
    """Judge the object and return the position behind it; its stream is leapt by its length, or to where the object ends."""
    found = _WITHIN.search(content, start)
    if found is None:
        raise Refused("file_broken")
    head = content[start : found.start()]
    if found[0] == b"endobj":
        active.refuse(head)
        return found.end()
    lengths = _LENGTH.findall(head)
    data = found.end()
    end = _STREAM_END.match(content, data + int(lengths[-1])) if lengths else None
    over = _STREAM_OVER.match(content, end.end()) if end is not None else None
    over = over or _LAST_END.search(content, data)
    if over is None:
        raise Refused("file_broken")
    active.refuse(head, content[data : over.start()])
    return over.end()
