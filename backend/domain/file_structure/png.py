"""Reads a PNG chunk by chunk to its last byte, and its pixels to theirs (XS13; ISO/IEC 15948)."""

import struct
import zlib

from backend.domain.file_structure.stowaways import refuse_page
from backend.domain.refusals import Refused

MAX_PIXEL_BYTES = 256 * 1024 * 1024  # bytes unpacked: 64 million pixels of four bytes
MAX_CHUNKS = 100_000
_SIGNATURE_LENGTH = 8
_CHUNK = struct.Struct(">I4s")
_HEADER = struct.Struct(">IIBBBBB")
_PIECE = 1024 * 1024  # bytes unpacked at once
_CRITICAL = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND"))
#: colour type → channels, and the depths it may have
_COLOURS = {
    0: (1, (1, 2, 4, 8, 16)), 2: (3, (8, 16)), 3: (1, (1, 2, 4, 8)), 4: (2, (8, 16)), 6: (4, (8, 16)),
}  # fmt: skip
#: first column, first row, steps across and down of each pass of an interlaced picture
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def check_png(content: bytes) -> None:
    """Refused `file_broken`, `file_disguised`, `file_bomb`."""
    view, at, pixels = memoryview(content), _SIGNATURE_LENGTH, _Pixels()
    name, count = b"", 0
    while name != b"IEND":
        before, count = name, count + 1
        if count > MAX_CHUNKS:
            raise Refused("file_bomb")
        if at + 12 > len(content):
            raise Refused("file_broken")
        length, name = _CHUNK.unpack_from(content, at)
        end = at + 12 + length
        if end > len(content) or zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise Refused("file_broken")
        data = view[at + 8 : end - 4]
        is_first, is_critical = at == _SIGNATURE_LENGTH, not name[0] & 0x20
        if is_first is not (name == b"IHDR") or (is_critical and name not in _CRITICAL):
            raise Refused("file_broken")
        if name == b"IHDR":
            pixels.begin(bytes(data))
        elif name == b"IDAT":
            if pixels.found and before != b"IDAT":
                raise Refused("file_broken")
            pixels.add(data)
        elif name != b"IEND":
            refuse_page(bytes(data))
        elif length:
            raise Refused("file_disguised")
        at = end
    pixels.finish()
    if at != len(content):
        raise Refused("file_disguised")


class _Pixels:
    """The compressed pixels of a picture: exactly as many bytes as its header says, and none behind them."""

    def __init__(self) -> None:
        self.found = False
        self._unpacker = zlib.decompressobj()
        self._wanted = self._unpacked = 0

    def begin(self, header: bytes) -> None:
        """Read what the header says."""
        if len(header) != _HEADER.size:
            raise Refused("file_broken")
        width, height, depth, colour, *methods, interlaced = _HEADER.unpack(header)
        channels, depths = _COLOURS.get(colour, (0, ()))
        if not width or not height or depth not in depths or any(methods) or interlaced > 1:
            raise Refused("file_broken")
        passes = _PASSES if interlaced else ((0, 0, 1, 1),)
        for left, top, across, down in passes:
            columns, rows = -(-(width - left) // across), -(-(height - top) // down)
            if columns > 0 and rows > 0:
                self._wanted += rows * (1 + -(-columns * channels * depth // 8))
        if self._wanted > MAX_PIXEL_BYTES:
            raise Refused("file_bomb")

    def add(self, data: memoryview) -> None:
        """Unpack the pixels of one chunk."""
        self.found, packed = True, bytes(data)
        while packed:
            if self._unpacker.eof:
                raise Refused("file_disguised")
            try:
                self._unpacked += len(self._unpacker.decompress(packed, _PIECE))
            except zlib.error:
                raise Refused("file_broken") from None
            if self._unpacked > self._wanted or self._unpacker.unused_data:
                raise Refused("file_disguised")
            packed = self._unpacker.unconsumed_tail

    def finish(self) -> None:
        """Refuse what is not whole."""
        if not self._unpacker.eof or self._unpacked != self._wanted:
            raise Refused("file_broken")
