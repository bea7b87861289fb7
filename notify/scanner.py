"""What a malware scanner promises: what it found in a file, or that it cannot say (XS13)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PIECE = 64 * 1024  # bytes handed over at once
MAX_NAME = 200  # characters of what a scanner calls its find
Content = bytes | Path  # a file in memory, or on our own disk


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scanner calls what it found; None: it found nothing."""

    found: str | None


class ScannerAway(Exception):
    """There is no verdict: it cannot be reached, is too slow, or answers what it should not. `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class FileScanner(Protocol):
    """Looks for malware in files. No verdict is ever guessed."""

    async def scan(self, content: Content) -> Verdict:
        """Return the verdict on a file. Raises ScannerAway."""
        ...


def iter_pieces(content: Content) -> Iterator[bytes]:
    """Yield a file piece by piece."""
    if isinstance(content, bytes):
        yield from (content[at : at + PIECE] for at in range(0, len(content), PIECE))
        return
    with content.open("rb") as stream:
        while piece := stream.read(PIECE):
            yield piece


def to_name(found: str) -> str:
    """Return what a scanner calls its find as one printable line; `?` if it calls it nothing."""
    plain = "".join(c if c.isprintable() else " " for c in found)
    return " ".join(plain.split())[:MAX_NAME] or "?"


def build_test_file() -> bytes:
    """Return the harmless file that every scanner finds (EICAR); put together here, so that none finds this program."""
    parts = ("X5O!P%@AP[4", "PZX54(P^)7CC)7}$EICAR", "STANDARD", "ANTIVIRUS", "TEST", "FILE!$H+H*")
    return f"{parts[0]}{chr(92)}{'-'.join(parts[1:])}".encode("ascii")
