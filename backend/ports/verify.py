"""What an independent look at the journal needs: chains as they are kept, and the seals over them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.records import Assignment, Line, Ticket


@dataclass(frozen=True, slots=True)
class Chain:
    """One ticket as it is kept. `ticket` is None when its row is gone or no longer readable."""

    ticket_id: int
    no: str
    ticket: Ticket | None
    lines: Sequence[Line] = ()  # by version
    unreadable: Sequence[int] = ()  # versions of lines that cannot be read as they were written
    assignments: Sequence[Assignment] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """So many lines sealed together; `members` are their ids, `until` the newest moment looked at."""

    id: int
    members: tuple[int, ...]
    prev: str
    hash: str
    until: datetime


class ChainStore(Protocol):
    """The shelf of the verifier."""

    async def chains(self, after: int, limit: int) -> Sequence[Chain]:
        """Tickets with a greater id, with all their lines; also lines whose ticket is gone."""
        ...

    async def lost(self) -> Sequence[int]:
        """Ids of tickets that assignments or duties speak of and that are not there."""
        ...

    async def last_seal(self) -> Seal | None:
        """The newest seal."""
        ...

    async def seals(self, after: int, limit: int) -> Sequence[Seal]:
        """Seals with a greater id, in the order of ids."""
        ...

    async def unsealed(
        self, after: datetime | None, until: datetime, limit: int
    ) -> Sequence[tuple[int, str, datetime]]:
        """Lines (id, hash, recorded at) recorded after one moment and until another, oldest first."""
        ...

    async def hashes(self, ids: Collection[int]) -> Mapping[int, str]:
        """The hashes of these lines, as far as they are there."""
        ...

    async def keep(self, members: Sequence[int], prev: str, hash_: str, until: datetime) -> Seal | None:
        """Keep a seal after `prev`; None when somebody else has sealed meanwhile."""
        ...
