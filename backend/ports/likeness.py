"""Where gists of tickets are kept, and by which keys like ones are found (A18, Q23)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.likeness import Gist


@dataclass(frozen=True, slots=True)
class Told:
    """A ticket as its gist is made from it. `caller` is a blind index: of the number, else of name and text."""

    ticket_id: int
    no: str
    title: str
    text: str
    place: str
    region: str
    category: str | None
    caller: str | None
    generated_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket whose gist is kept, with what is asked of it when it turns out to be like another."""

    ticket_id: int
    no: str
    state: str
    title: str
    category: str | None
    region: str
    place: str
    unit: str | None  # of its lead assignment
    closed: bool  # its lead has closed it
    refused_by: tuple[str, ...]  # units that gave it back and were right, once each
    repeats: int  # merged under it
    generated_at: datetime
    caller: str | None
    about: Gist


class LikenessStore(Protocol):
    """The shelf of gists. What is kept can always be made again from the tickets."""

    async def pending(self, since: datetime, limit: int) -> tuple[Sequence[Told], datetime | None]:
        """Tickets recorded since then that have no gist yet, oldest first, and when the last of them was recorded."""
        ...

    async def told(self, no: str) -> Told | None:
        """One ticket by its number."""
        ...

    async def keep(self, gists: Sequence[tuple[Told, Gist]]) -> None:
        """Keep gists and their keys in one transaction, over any earlier ones."""
        ...

    async def candidates(self, keys: Collection[int], but: int, most: int) -> Sequence[Known]:
        """Tickets that share the most keys, at most so many; of a very common key only the newest tickets count."""
        ...

    async def of_caller(self, caller: str, but: int, most: int) -> Sequence[Known]:
        """The newest tickets of a caller."""
        ...

    async def between(self, start: datetime, end: datetime, most: int) -> Sequence[Known]:
        """Tickets generated from `start` up to but not at `end`, newest first, at most so many."""
        ...

    async def count(self) -> int:
        """How many gists are kept."""
        ...

    async def forget(self) -> None:
        """Throw all gists and keys away."""
        ...
