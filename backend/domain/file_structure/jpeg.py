"""Reads a JPEG marker by marker to the end of its picture, and knows what cameras append behind it (XS13; ITU-T T.81)."""

import re

from backend.domain.file_structure.stowaways import refuse_page
from backend.domain.refusals import Refused

MAX_PICTURES = 16  # in one file: telephones append a map of brightness or depth as a further picture
MAX_SEGMENTS = 10_000  # of one picture
_START = b"\xff\xd8\xff"
_FILLING = re.compile(rb"\xff+")
#: Behind pixels: a marker that is neither a stuffed byte, a restart nor filling.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END, _SCAN, _FIRST_NOTE, _LAST_NOTE, _COMMENT = 0xD9, 0xDA, 0xE0, 0xEF, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset((0x00, 0x01, 0xD8, *range(0xD0, 0xD8)))  # markers that stand nowhere outside pixels
_JFIF, _JFIF_LENGTH, _JFIF_SPARE = b"JFIF\0", 14, 16
_BLANK = b"\0\r\n\t "
#: What telephones append: a moving picture or vivo's remarks by how they begin, Samsung's, OPPO's and Honor's by how they
#: end. It is cut off.
_APPENDED_BEGINS = re.compile(rb"[\s\S]{0,4}ftyp|vivo\{")
_APPENDED_ENDS = re.compile(rb"(?:SEFT|jxrs|LIVE_[0-9]{1,20})\s{0,20}\Z")
_LAST_BYTES = 64


def cut_jpeg(content: bytes) -> bytes:
    """Return the picture, with further ones behind it. Refused `file_broken`, `file_disguised`, `file_bomb`."""
    end = _find_end(content, 0)
    for _ in range(MAX_PICTURES):
        behind = content[end:].lstrip(_BLANK)
        if behind.startswith(_START):
            end = _find_end(content, len(content) - len(behind))
        elif (
            not behind.strip(b"\xff") or _APPENDED_BEGINS.match(behind) or _APPENDED_ENDS.search(behind[-_LAST_BYTES:])
        ):
            return content[:end]
        else:
            break
    raise Refused("file_disguised")


def _find_end(content: bytes, at: int) -> int:
    """Return the position behind the picture that begins here."""
    at += 2
    has_frame = has_scan = False
    for _ in range(MAX_SEGMENTS):
        filling = _FILLING.match(content, at)
        if filling is None:
            raise Refused("file_broken")
        marker, at = content[filling.end()] if filling.end() < len(content) else 0, filling.end() + 1
        if marker == _END and has_frame and has_scan:
            return at
        length = int.from_bytes(content[at : at + 2], "big")
        if marker in _ALONE or marker == _END or length < 2 or at + length > len(content):
            raise Refused("file_broken")
        segment, at = content[at + 2 : at + length], at + length
        if marker in _FRAMES:
            has_frame = True
        elif _FIRST_NOTE <= marker <= _LAST_NOTE or marker == _COMMENT:
            _check_note(segment)
        elif marker == _SCAN:
            has_scan = True
            found = _MARKER.search(content, at)
            if found is None:
                raise Refused("file_broken")
            at = found.start()
    raise Refused("file_bomb")


def _check_note(segment: bytes) -> None:
    """A first note that is longer than its little picture may be a script whose comment hides the rest."""
    refuse_page(segment)
    if segment.startswith(_JFIF) and len(segment) >= _JFIF_LENGTH:
        thumbnail = 3 * segment[12] * segment[13]
        if len(segment) > _JFIF_LENGTH + thumbnail + _JFIF_SPARE:
            raise Refused("file_disguised")
