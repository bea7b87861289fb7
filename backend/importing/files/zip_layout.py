"""Where the parts of a workbook lie: one behind the other, from the first byte to the last, and nothing besides (XS13)."""

import struct
import zipfile
from typing import BinaryIO

from backend.domain.refusals import Refused

_HEAD = 30  # bytes of the head of a part, before its name
_SIZED_LATER = 0x08  # flag: the sizes of a part stand behind it
_SIZES = (12, 16, 20, 24)  # bytes of those, with or without a mark, short or long
_END = 22  # bytes of the end, without a comment
_LONG_ENDS = (0, 76)  # bytes before it, for archives over 4 GB


def check_layout(archive: zipfile.ZipFile, stream: BinaryIO, end: int, size: int) -> None:
    """Check an archive of `size` bytes whose end stands at `end`. Refused `file_disguised`.

    Programs read archives from their end, so anything may stand before them; and what two programs read of parts that
    lie in one another, or have one name, need not be the same.
    """
    at, directory = 0, archive.start_dir
    parts = sorted(archive.infolist(), key=lambda part: part.header_offset)
    starts = [*(part.header_offset for part in parts), directory]
    for part, following in zip(parts, starts[1:], strict=True):
        stream.seek(part.header_offset)
        head = stream.read(_HEAD)
        if part.header_offset != at or len(head) < _HEAD:
            raise Refused("file_disguised")
        names, extras = struct.unpack_from("<HH", head, 26)
        at += _HEAD + names + extras + part.compress_size
        if part.flag_bits & _SIZED_LATER and following - at in _SIZES:
            at = following
    stream.seek(end)
    (length,) = struct.unpack_from("<I", stream.read(_END), 12)
    is_whole = at == directory and end + _END == size and end - directory - length in _LONG_ENDS
    if not is_whole or len({part.filename for part in parts}) < len(parts):
        raise Refused("file_disguised")
