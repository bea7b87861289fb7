"""Stores statements and photos by id and hash, never by the name they were uploaded under."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A stored file without its content. `unit` is the unit of the person who uploaded it."""

    id: str
    name: str
    kind: str  # pdf | jpeg | png
    size: int  # bytes
    sha256: str
    by: str
    unit: str | None
    at: datetime


class FileStore(Protocol):
    """Stores files."""

    async def store(self, file: StoredFile, content: bytes) -> None:
        """Store a file."""
        ...

    async def find_files(self, ids: Collection[str]) -> dict[str, StoredFile]:
        """Return those of these files that exist, by id."""
        ...

    async def load_content(self, file_id: str) -> bytes | None:
        """Return the content of a file."""
        ...
