"""Registers behind manual items, and the knowledge base."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One row of a register: a contact, a post, a rule, a roster, a meeting or a work rule. `on_date` is an ISO day."""

    id: int
    kind: str
    unit: str
    name: str
    on_date: str
    facts: Mapping[str, Any]
    files: tuple[str, ...]
    by: str
    at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnowledgeEntry:
    """A record of the knowledge base (B28, B54): `change` is new or updated, `state` entered, accepted or refused."""

    id: int
    unit: str
    title: str
    body: str
    change: str
    replaces: int | None
    by: str
    at: datetime
    state: str
    reviewed_by: str | None = None
    reviewer_unit: str | None = None
    reviewed_at: datetime | None = None
    opinion: str = ""


class RegisterStore(Protocol):
    """Stores registers and knowledge."""

    async def add_register_entry(self, entry: RegisterEntry) -> None:
        """Add a row to a register."""
        ...

    async def list_register_entries(
        self, kind: str, unit: str | None = None, before: int | None = None, limit: int = 500
    ) -> Sequence[RegisterEntry]:
        """List rows of a register, newest first, including ended ones."""
        ...

    async def end_register_entry(self, entry_id: int, kind: str, by: str, at: datetime) -> bool:
        """End a row; False if there is none in force."""
        ...

    async def add_knowledge(self, entry: KnowledgeEntry) -> None:
        """Add a record."""
        ...

    async def get_knowledge(self, entry_id: int) -> KnowledgeEntry | None:
        """Return one record."""
        ...

    async def list_knowledge(
        self, unit: str | None, state: str | None, text: str, before: int | None, limit: int
    ) -> Sequence[KnowledgeEntry]:
        """List records, newest first; `words` are matched literally in title and body."""
        ...

    async def review_knowledge(self, entry_id: int, state: str, by: str, unit: str, at: datetime, opinion: str) -> bool:
        """Decide an entered record; False if it was decided already."""
        ...

    async def count_knowledge(self, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        """Count by unit: (its records accepted in that time, records its people reviewed in that time)."""
        ...
