"""Where the registers behind manual items are kept, the knowledge base, and what the tables themselves can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Holding:
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
    """A record of the knowledge base (B28, B54): `change` new or updated, `state` entered, accepted or refused."""

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


@dataclass(frozen=True, slots=True)
class Lead:
    """Something in the tables that may belong in a ledger: whose, of which ticket, what was said, the row's number."""

    unit: str
    ticket: str
    said: str
    number: int


class RegisterBook(Protocol):
    """The shelf of registers and knowledge."""

    async def keep(self, holding: Holding) -> None:
        """Keep a row of a register."""
        ...

    async def holdings(
        self, kind: str, unit: str | None = None, before: int | None = None, limit: int = 500
    ) -> Sequence[Holding]:
        """Rows of a register, newest first, ended ones included."""
        ...

    async def end(self, holding_id: int, kind: str, by: str, at: datetime) -> bool:
        """End a row; False when there is none that still holds."""
        ...

    async def keep_knowledge(self, entry: KnowledgeEntry) -> None:
        """Keep a record."""
        ...

    async def knowledge(self, entry_id: int) -> KnowledgeEntry | None:
        """One record."""
        ...

    async def knowledge_list(
        self, unit: str | None, state: str | None, words: str, before: int | None, limit: int
    ) -> Sequence[KnowledgeEntry]:
        """Records, newest first; `words` are looked for literally in title and body."""
        ...

    async def review_knowledge(self, entry_id: int, state: str, by: str, unit: str, at: datetime, opinion: str) -> bool:
        """Decide an entered record; False when decided already."""
        ...

    async def knowledge_counts(self, start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        """Unit → (its records accepted in that time, records its people reviewed in that time)."""
        ...

    async def praise(self, start: datetime, end: datetime) -> Sequence[Lead]:
        """Praise tickets taken in, and what satisfied people said in visits, in that time."""
        ...

    async def failed_supervisions(self, start: datetime, end: datetime, now: datetime) -> Sequence[Lead]:
        """Supervision duties that ran out, and progress that was not accepted, in that time."""
        ...

    async def coordinated(self, start: datetime, end: datetime) -> Sequence[Lead]:
        """Mass, urgent and hard cases closed in that time whose requester said he is satisfied; their institution's."""
        ...
