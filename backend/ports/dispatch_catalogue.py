"""The dispatch catalogue, and counts of dispatches and repeats (A6, A18)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from backend.domain.suggestions import CatalogueEntry, DispatchErrors

#: What dispatches are counted by.
GROUP_BY = ("unit", "dispatcher", "category", "month")


@dataclass(frozen=True, slots=True)
class NewCatalogueEntry:
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
class RepeatCount:
    """How many of the tickets of a unit and month were repeats (A18)."""

    unit: str
    month: str
    tickets: int
    repeats: int


class CatalogueStore(Protocol):
    """Stores the dispatch catalogue."""

    async def list_entries(self) -> Sequence[CatalogueEntry]:
        """List all entries not removed, oldest first."""
        ...

    async def find_existing(self, fingerprints: Collection[str]) -> frozenset[str]:
        """Return those of the fingerprints that exist already."""
        ...

    async def add_entries(self, entries: Sequence[NewCatalogueEntry], by: str, at: datetime) -> Sequence[int | None]:
        """Add entries in one transaction; return the id of each, None for one that exists already."""
        ...

    async def remove_entry(self, row: int, by: str, at: datetime) -> bool:
        """Remove an entry; False if there is none."""
        ...

    async def count_misses(self, start: datetime, end: datetime, by: str) -> Sequence[DispatchErrors]:
        """Count dispatches from `start` to before `end`, by unit, dispatcher, category or month."""
        ...

    async def count_repeats(self, start: datetime, end: datetime) -> Sequence[RepeatCount]:
        """Count tickets by lead unit and month of arrival, and how many of them were repeats."""
        ...
