"""What acts when a PDF is opened: scripts, programs to be started, files within it (XS13; ISO 32000)."""

import re
import zlib

from backend.domain.refusals import Refused

MAX_UNPACKED = 64 * 1024 * 1024  # bytes of all object streams of a file
#: Names of actions and of what they run; a name counts wherever it stands in an object.
ACTIVE = frozenset((
    b"JavaScript", b"JS", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"RichMedia", b"XFA",
))  # fmt: skip
_FLATE, _PREDICTORS = b"FlateDecode", b"DecodeParms"
_FILTER = re.compile(rb"Decode$|^(?:AHx|A85|LZW|Fl|RL|CCF|DCT|DP|Crypt)$")
_OUTSIDE = re.compile(rb"\(|%[^\r\n]*|/(?P<name>[^\0\t\n\f\r ()<>\[\]{}/%]*)")
_INSIDE = re.compile(rb"\\.|[()]", re.DOTALL)
_NAME = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]*)")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")


class ActiveParts:
    """Reads the objects of one PDF as they come."""

    def __init__(self) -> None:
        self._room = MAX_UNPACKED

    def refuse(self, head: bytes, packed: bytes = b"") -> None:
        """Judge an object: what stands before its stream, and the stream if it holds objects.

        Refused `file_active` for a name of `ACTIVE` and for objects that cannot be unpacked, `file_bomb` for too many.
        """
        names = list_names(head)
        if not ACTIVE.isdisjoint(names):
            raise Refused("file_active")
        if b"ObjStm" in names and not ACTIVE.isdisjoint(list_names(self._unpack(packed, names))):
            raise Refused("file_active")

    def _unpack(self, packed: bytes, names: list[bytes]) -> bytes:
        filters = [name for name in names if _FILTER.search(name)]
        if filters != [_FLATE] * len(filters[:1]) or _PREDICTORS in names or (b"Filter" in names and not filters):
            raise Refused("file_active")  # whoever writes so has something to hide: nobody packs objects otherwise
        if not filters:
            return packed
        try:
            unpacked = zlib.decompressobj().decompress(packed, self._room + 1)
        except zlib.error:  # encrypted, or not what it says
            raise Refused("file_active") from None
        self._room -= len(unpacked)
        if self._room < 0:
            raise Refused("file_bomb")
        return unpacked


def list_names(text: bytes) -> list[bytes]:
    """Return the names in a text of objects, decoded; not what looks like one in a string or a remark.

    Where a string does not end, every one counts: readers may see it otherwise.
    """
    names, at, depth = [], 0, 0
    while found := (_INSIDE if depth else _OUTSIDE).search(text, at):
        at = found.end()
        if depth:
            depth += {b"(": 1, b")": -1}.get(found[0], 0)
        elif found[0] == b"(":
            depth = 1
        elif found["name"] is not None:
            names.append(found["name"])
    written = names if not depth else _NAME.findall(text)
    return [_ESCAPE.sub(lambda code: bytes((int(code[1], 16),)), name) for name in written]
