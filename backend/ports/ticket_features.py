"""Stores ticket features and the keys by which similar tickets are found (A18, Q23)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.similarity import TicketFeatures


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
