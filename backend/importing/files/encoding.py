"""Detects the encoding of a text file and refuses what would be stored as mojibake (FF1)."""

import codecs
from typing import Final

from backend.domain.refusals import Refused
from backend.importing.files.content import CHUNK, FileContent

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, None),
    (codecs.BOM_UTF32_BE, None),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Nearly all Chinese characters of ordinary text are GB 2312 level 1; bytes of another encoding
#: read as GB 18030 give mostly level 2 and rare ones.
_COMMON_SHARE: Final = 0.6
_SAMPLE: Final = 1 << 18
#: This many valid UTF-8 characters on one line are no accident.
_MIXED_CHARS: Final = 3


def detect_encoding(source: FileContent) -> tuple[str, int]:
    """Return the codec of the file and its number of line feeds (an estimate of its rows).

    A byte order mark decides; else strict UTF-8 over the whole file; else UTF-16 when zero bytes occur only at even
    or only at odd places; else strict GB 18030 with mostly common characters and no lines of UTF-8.
    Raises Refused `file_encoding` or `file_mixed_encoding` (with the line).
    """
    head = source.read_head(4)
    for mark, codec in _BOMS:
        if head.startswith(mark):
            if codec is None or not _is_decodable(source, codec):
                raise Refused("file_encoding", guess=codec or "utf-32")
            return codec, _count_line_feeds(source)[0]
    feeds, even, odd = _count_line_feeds(source)
    if _is_decodable(source, "utf-8"):
        # Plain ASCII stored as UTF-16 is valid UTF-8, every second byte of it zero.
        if (even + odd) * 5 >= source.size and min(even, odd) == 0:
            wide = "utf-16-le" if odd else "utf-16-be"
            return (wide if _is_decodable(source, wide) else "utf-8"), feeds
        return "utf-8", feeds
    if (even or odd) and min(even, odd) == 0:
        codec = "utf-16-le" if odd else "utf-16-be"
        if _is_decodable(source, codec):
            return codec, feeds
    if not (even or odd):
        _refuse_mixed(source)
    if even or odd or not _is_decodable(source, "gb18030"):
        raise Refused("file_encoding", guess=_guess_encoding(source))
    if not _is_common(source.read_head(_SAMPLE)):
        raise Refused("file_encoding", guess=_guess_encoding(source))
    return "gb18030", feeds


def _is_decodable(source: FileContent, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    with source.open() as stream:
        try:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _count_line_feeds(source: FileContent) -> tuple[int, int, int]:
    """Count line feeds, zero bytes at even places and zero bytes at odd places."""
    feeds = even = odd = 0
    with source.open() as stream:
        while chunk := stream.read(CHUNK):  # CHUNK is even, so places keep their side
            feeds += chunk.count(b"\n")
            if b"\0" in chunk:
                even += chunk[::2].count(b"\0")
                odd += chunk[1::2].count(b"\0")
    return feeds, even, odd


def _refuse_mixed(source: FileContent) -> None:
    """Refuse a file in which some lines are UTF-8 and others are not, with the first line unlike most (XS15)."""
    lines: dict[bool, int] = {True: 0, False: 0}  # whether it is UTF-8 → how many
    first: dict[bool, int] = {}
    with source.open() as stream:
        number = 0
        while line := stream.readline(1 << 20):
            number += 1
            if line.isascii() or (is_utf8 := _is_utf8(line)) is None:
                continue
            lines[is_utf8] += 1
            first.setdefault(is_utf8, number)
    if len(first) == 2:
        raise Refused("file_mixed_encoding", line=first[lines[True] < lines[False]])


def _is_utf8(line: bytes) -> bool | None:
    """Return whether a line is UTF-8; None if it is by accident, perhaps, with few Chinese characters."""
    try:
        decoded = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True if sum("\u2e80" <= char <= "\uffef" for char in decoded) >= _MIXED_CHARS else None


def _is_common(sample: bytes) -> bool:
    """Whether the sample, as GB 18030, consists mostly of common characters."""
    common = rare = 0
    for char in sample.decode("gb18030", "ignore"):
        if char < "\u0080":
            continue
        try:
            row = char.encode("gb2312")[0]
        except UnicodeEncodeError:
            rare += 1
            continue
        if row <= 0xD7:  # rows up to 0xA9 are punctuation, 0xB0-0xD7 level 1
            common += 1
        else:
            rare += 1
    return common >= _COMMON_SHARE * (common + rare)


def _guess_encoding(source: FileContent) -> str:
    """Guess the encoding, for the refusal's sentence only."""
    from charset_normalizer import from_bytes  # slow to import, rarely needed

    best = from_bytes(source.read_head(1 << 16)).best()
    return best.encoding if best is not None else ""
