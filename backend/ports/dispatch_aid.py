"""Where the dispatch catalogue is kept, and what is counted of dispatches and repeats (A6, A18)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from backend.domain.dispatch_aid import Misses, Responsibility

#: By what dispatches are counted.
BY = ("unit", "dispatcher", "category", "month")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row to be kept; `fingerprint` is the same for the same row, so that a file counts once."""

    unit: str
    category: str | None
    keywords: tuple[str, ...]
    region: str
    basis: str
    valid_from: date | None
    valid_to: date | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Repeats:
    """Of the tickets of a unit and month, how many came again (A18)."""

    unit: str
    month: str
    tickets: int
    repeats: int


class CatalogueStore(Protocol):
    """The shelf of the dispatch catalogue."""

    async def rows(self) -> Sequence[Responsibility]:
        """All rows that were not removed, oldest first."""
        ...

    async def known(self, fingerprints: Collection[str]) -> frozenset[str]:
        """Those of the fingerprints that are there already."""
        ...

    async def put(self, entries: Sequence[Entry], by: str, at: datetime) -> Sequence[bool]:
        """Keep rows in one transaction; False for one that is there already."""
        ...

    async def remove(self, row: int, by: str, at: datetime) -> bool:
        """Remove a row; False when there is none."""
        ...

    async def misses(self, start: datetime, end: datetime, by: str) -> Sequence[Misses]:
        """Dispatches from `start` up to but not at `end`, by unit, dispatcher, category or month."""
        ...

    async def repeats(self, start: datetime, end: datetime) -> Sequence[Repeats]:
        """Tickets by lead unit and month of arrival, and how many of them came again."""
        ...
