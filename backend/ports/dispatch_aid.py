"""The dispatch catalogue, and counts of dispatches and repeats (A6, A18)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from backend.domain.suggestions import CatalogueEntry, DispatchErrors

#: What dispatches are counted by.
BY = ("unit", "dispatcher", "category", "month")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry to add; equal entries have the same `fingerprint`, so that importing a file twice adds nothing."""

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
    """How many of the tickets of a unit and month were repeats (A18)."""

    unit: str
    month: str
    tickets: int
    repeats: int


class CatalogueStore(Protocol):
    """Stores the dispatch catalogue."""

    async def rows(self) -> Sequence[CatalogueEntry]:
        """List all entries not removed, oldest first."""
        ...

    async def known(self, fingerprints: Collection[str]) -> frozenset[str]:
        """Return those of the fingerprints that exist already."""
        ...

    async def put(self, entries: Sequence[Entry], by: str, at: datetime) -> Sequence[bool]:
        """Add entries in one transaction; False for each that exists already."""
        ...

    async def remove(self, row: int, by: str, at: datetime) -> bool:
        """Remove an entry; False if there is none."""
        ...

    async def misses(self, start: datetime, end: datetime, by: str) -> Sequence[DispatchErrors]:
        """Count dispatches from `start` to before `end`, by unit, dispatcher, category or month."""
        ...

    async def repeats(self, start: datetime, end: datetime) -> Sequence[Repeats]:
        """Count tickets by lead unit and month of arrival, and how many of them were repeats."""
        ...
