"""The journal as stored, for independent verification, and the seals over it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.records import Assignment, JournalEntry, Ticket


@dataclass(frozen=True, slots=True)
class JournalChain:
    """One ticket as stored. `ticket` is None if its row is gone or no longer readable."""

    ticket_id: int
    ticket_no: str
    ticket: Ticket | None
    lines: Sequence[JournalEntry] = ()  # by version
    unreadable: Sequence[int] = ()  # versions of lines that do not read back as they were written
    assignments: Sequence[Assignment] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """Journal lines sealed together; `members` are their ids, `until` the newest instant covered."""

    id: int
    members: tuple[int, ...]
    prev_hash: str
    hash: str
    until: datetime


class JournalStore(Protocol):
    """Reads journal chains and stores seals."""

    async def list_chains(self, after: int, limit: int) -> Sequence[JournalChain]:
        """List tickets with a greater id with all their lines; also lines whose ticket is gone."""
        ...

    async def load_chains(self, ticket_ids: Collection[int]) -> Sequence[JournalChain]:
        """Load these tickets with all their lines, by id; those that have neither row nor line are left out."""
        ...

    async def list_moved_since(self, since: datetime, after: int, limit: int) -> Sequence[int]:
        """List the ids greater than `after` of tickets with lines recorded after `since`."""
        ...

    async def find_missing_tickets(self) -> Sequence[int]:
        """Return ids of missing tickets that assignments or duties refer to."""
        ...

    async def get_last_seal(self) -> Seal | None:
        """Return the newest seal."""
        ...

    async def list_seals(self, after: int, limit: int) -> Sequence[Seal]:
        """List seals with a greater id, by id."""
        ...

    async def list_unsealed(
        self, after: datetime | None, until: datetime, limit: int
    ) -> Sequence[tuple[int, str, datetime]]:
        """List lines (id, hash, recorded at) recorded after `after` and up to `until`, oldest first."""
        ...

    async def load_hashes(self, ids: Collection[int]) -> Mapping[int, str]:
        """Return the hashes of those of these lines that exist."""
        ...

    async def add_seal(self, members: Sequence[int], prev: str, hash_: str, until: datetime) -> Seal | None:
        """Add a seal after `prev`; None if another process has sealed meanwhile."""
        ...
