"""Where statements and photos are kept: by id and hash, never by the name somebody gave them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Paper:
    """A kept file without its content. `unit` is the unit of whoever brought it."""

    id: str
    name: str
    kind: str  # pdf | jpeg | png
    size: int  # bytes
    sha256: str
    by: str
    unit: str | None
    at: datetime


class FilesStore(Protocol):
    """The file cabinet."""

    async def keep(self, paper: Paper, content: bytes) -> None:
        """Keep a file."""
        ...

    async def papers(self, ids: Collection[str]) -> dict[str, Paper]:
        """Those of these files that exist, by id."""
        ...

    async def content(self, file_id: str) -> bytes | None:
        """The content of a file."""
        ...
