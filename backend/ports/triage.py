"""What tickets are about, the dispatch catalogue, governance projects."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from backend.domain.similarity import TicketFeatures
from backend.domain.suggestions import CatalogueEntry, DispatchErrors


@dataclass(frozen=True, slots=True)
class FeatureSource:
    """A ticket as input for its features. `caller` is a blind index: of the number, else of name and text."""

    ticket_id: int
    ticket_no: str
    title: str
    text: str
    place: str
    region: str
    category: str | None
    caller: str | None
    generated_at: datetime


@dataclass(frozen=True, slots=True)
class FeaturedTicket:
    """A ticket with stored features, and what is needed of it if it turns out to be similar to another."""

    ticket_id: int
    ticket_no: str
    state: str
    title: str
    category: str | None
    region: str
    place: str
    unit: str | None  # of its lead assignment
    closed: bool  # the lead assignment is closed
    returned_by: tuple[str, ...]  # units whose return was accepted, once each
    merged_count: int  # tickets merged into it
    generated_at: datetime
    caller: str | None
    features: TicketFeatures


class FeatureStore(Protocol):
    """Stores ticket features. All of it can be rebuilt from the tickets."""

    async def list_pending(self, since: datetime, limit: int) -> tuple[Sequence[FeatureSource], datetime | None]:
        """List tickets recorded since then without features, oldest first, and when the last of them was recorded."""
        ...

    async def find_source(self, no: str) -> FeatureSource | None:
        """Return one ticket by its number."""
        ...

    async def store_features(self, features: Sequence[tuple[FeatureSource, TicketFeatures]]) -> None:
        """Store features and their keys in one transaction, replacing earlier ones."""
        ...

    async def find_candidates(self, keys: Collection[int], except_id: int, limit: int) -> Sequence[FeaturedTicket]:
        """Find at most `most` tickets that share the most keys; of a very common key only the newest tickets count."""
        ...

    async def find_by_requester(self, requester: str, except_id: int, limit: int) -> Sequence[FeaturedTicket]:
        """Find the newest tickets of a requester."""
        ...

    async def find_between(self, start: datetime, end: datetime, limit: int) -> Sequence[FeaturedTicket]:
        """Find tickets generated from `start` to before `end`, newest first, at most `most`."""
        ...

    async def count(self) -> int:
        """Count the stored features."""
        ...

    async def delete_all(self) -> None:
        """Delete all features and keys."""
        ...


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


@dataclass(frozen=True, slots=True)
class GovernanceProject:
    """One class of matters treated as a whole. `state`: draft, open, closed, accepted or refused."""

    id: int
    unit: str  # the management institution it counts for
    month: str  # 2026-11
    topic: str
    cause: str
    measures: str
    tickets: tuple[str, ...]
    state: str
    drafted: bool  # proposed automatically from a cluster
    opened_by: str
    opened_at: datetime
    closed_by: str | None = None
    closed_at: datetime | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    ledger_id: int | None = None


class GovernanceStore(Protocol):
    """Stores governance projects."""

    async def add_project(self, project: GovernanceProject) -> None:
        """Add a project."""
        ...

    async def get_project(self, project_id: int) -> GovernanceProject | None:
        """Return one project."""
        ...

    async def list_projects(self, month: str | None, unit: str | None) -> Sequence[GovernanceProject]:
        """List projects, newest first."""
        ...

    async def update_project(self, project_id: int, state: str, changes: Mapping[str, Any]) -> bool:
        """Update a project that is still in `state`; False if somebody else was faster."""
        ...

    async def find_existing_numbers(self, numbers: Sequence[str]) -> frozenset[str]:
        """Return those of the ticket numbers that exist."""
        ...
