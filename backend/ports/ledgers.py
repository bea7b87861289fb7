"""Ledger lines and registers of the scores."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A line of a ledger (台账).

    `state` is draft (found automatically), entered, accepted, refused or void (replaced by a later line). `facts` holds
    `timely`, `total`, `channel` of `connect`, and the `exemption` for which a line was refused (B49). `document_date` is an ISO day (Q47), `files` ids of attached files.
    """

    id: int
    kind: str
    unit: str
    month: str
    count: int
    level: str | None
    matter: str | None
    points: str | None
    note: str
    evidence: str
    entered_by: str
    entered_at: datetime
    state: str
    fingerprint: str
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    document_date: str | None = None
    files: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    replaces: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """Which lines to list; None means all. `before` is the id before which the page continues."""

    month: str | None = None
    unit: str | None = None
    kind: str | None = None
    states: tuple[str, ...] = ()
    before: int | None = None


class LedgerStore(Protocol):
    """Stores ledger lines."""

    async def list_accepted_entries(self, first: str, last: str, unit: str | None = None) -> Sequence[LedgerEntry]:
        """List accepted entries of the months `first` to `last` (2026-10), oldest first."""
        ...

    async def list_ledger_entries(self, criteria: LedgerFilter, limit: int) -> Sequence[LedgerEntry]:
        """List lines of any state, newest first."""
        ...

    async def get_ledger_entry(self, entry_id: int) -> LedgerEntry | None:
        """Return one entry."""
        ...

    async def add_ledger_entries(self, entries: Sequence[LedgerEntry]) -> Sequence[bool]:
        """Add entries in one transaction; False for each whose fingerprint is known."""
        ...

    async def save_drafts(self, entries: Sequence[LedgerEntry]) -> Sequence[bool]:
        """Save drafts by fingerprint; one still undecided takes the newer count. False for each without a change."""
        ...

    async def find_existing_numbers(self, numbers: Collection[str]) -> frozenset[str]:
        """Return those of the ticket numbers that exist."""
        ...

    async def review_ledger_entry(
        self, entry_id: int, state: str, by: str, at: datetime, exemption: str | None = None
    ) -> bool:
        """Decide an undecided entry; an accepted one voids the line it replaces. False if it was decided already."""
        ...


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
