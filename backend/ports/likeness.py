"""Stores ticket features and the keys by which similar tickets are found (A18, Q23)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.similarity import TicketFeatures


@dataclass(frozen=True, slots=True)
class Told:
    """A ticket as input for its features. `caller` is a blind index: of the number, else of name and text."""

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
    """A ticket with stored features, and what is needed of it if it turns out to be similar to another."""

    ticket_id: int
    no: str
    state: str
    title: str
    category: str | None
    region: str
    place: str
    unit: str | None  # of its lead assignment
    closed: bool  # the lead assignment is closed
    refused_by: tuple[str, ...]  # units whose return was accepted, once each
    repeats: int  # tickets merged into it
    generated_at: datetime
    caller: str | None
    about: TicketFeatures


class LikenessStore(Protocol):
    """Stores ticket features. All of it can be rebuilt from the tickets."""

    async def pending(self, since: datetime, limit: int) -> tuple[Sequence[Told], datetime | None]:
        """List tickets recorded since then without features, oldest first, and when the last of them was recorded."""
        ...

    async def told(self, no: str) -> Told | None:
        """Return one ticket by its number."""
        ...

    async def keep(self, gists: Sequence[tuple[Told, TicketFeatures]]) -> None:
        """Store features and their keys in one transaction, replacing earlier ones."""
        ...

    async def candidates(self, keys: Collection[int], but: int, most: int) -> Sequence[Known]:
        """Find at most `most` tickets that share the most keys; of a very common key only the newest tickets count."""
        ...

    async def of_caller(self, caller: str, but: int, most: int) -> Sequence[Known]:
        """Find the newest tickets of a requester."""
        ...

    async def between(self, start: datetime, end: datetime, most: int) -> Sequence[Known]:
        """Find tickets generated from `start` to before `end`, newest first, at most `most`."""
        ...

    async def count(self) -> int:
        """Count the stored features."""
        ...

    async def forget(self) -> None:
        """Delete all features and keys."""
        ...
