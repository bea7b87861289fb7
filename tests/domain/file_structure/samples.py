"""Small whole files of each kind, and what people and programs hide in them."""

import io
import struct
import zipfile
import zlib

from sandbox.telegram.users import ONE_PIXEL_JPEG as JPEG

PAGE = b"<html><script>alert(1)</script></html>"


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int = 3, height: int = 2, colour: int = 2, depth: int = 8, interlaced: int = 0, *, pixels: bytes | None = None,
    before: bytes = b"", between: bytes = b"",
) -> bytes:  # fmt: skip
    """A PNG with chunks before and between its pixels; grey rows unless `pixels` are given, packed."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rows = height * (1 + -(-width * channels * depth // 8))
    packed = zlib.compress(bytes(rows)) if pixels is None else pixels
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    half = len(packed) // 2
    return (
        b"\x89PNG\r\n\x1a\n" + header + before
        + chunk(b"IDAT", packed[:half]) + between + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b"")
    )  # fmt: skip


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments: bytes) -> bytes:
    """A JPEG with segments after its start."""
    return JPEG[:2] + b"".join(segments) + JPEG[2:]


def pdf(*parts: bytes, end: bytes = b"%%EOF\n") -> bytes:
    """A PDF with parts between its objects and its end."""
    return (
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj<</Kids[]/Count 0>>endobj\n"
        + b"".join(parts)
        + b"xref\n0 3\n0000000000 65535 f \n0000000015 00000 n \n0000000060 00000 n \ntrailer\n<</Size 3/Root 1 0 R>>\n"
        b"startxref\n110\n" + end
    )


def stream(data: bytes, length: str | None = None) -> bytes:
    """An object with a stream."""
    written = str(len(data)) if length is None else length
    return b"9 0 obj\n<</Length " + written.encode() + b">>\nstream\n" + data + b"\nendstream\nendobj\n"


def archive() -> bytes:
    """A ZIP with a page in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        opened.writestr("index.html", PAGE)
    return made.getvalue()


PNG, PDF = png(), pdf()
WHOLE = {"png": PNG, "jpeg": JPEG, "pdf": PDF}
