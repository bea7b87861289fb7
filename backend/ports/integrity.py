"""Findings, the journal and its seals, the audit log."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend.domain.records import Assignment, JournalEntry, Ticket
from backend.ports.ticket_queries import Page


@dataclass(frozen=True, slots=True)
class Finding:
    """Something amiss: a code, its subject, and facts. Its text is `finding.KIND`."""

    kind: str
    subject: str
    facts: Mapping[str, Any]
    found_at: datetime | None = None  # None: just found, not stored yet


@dataclass(frozen=True, slots=True)
class CheckThresholds:
    """The instants before which something should have happened: office time, but `inbox` is real time."""

    now: datetime
    unnotified: datetime  # dispatched, and nobody was notified
    sign: datetime  # due, and not auto-signed
    close: datetime  # due, and no red card
    message: datetime  # due, and not sent
    lease: timedelta  # how long ago the lease of a dead process ended
    attempt: datetime  # asked, and nothing was heard
    call: datetime  # answered, and never ended
    inbox: datetime  # received, and not handled
    card: datetime  # changed, and not updated
    visit: datetime  # to be visited, and no call is planned
    clock: datetime  # to be looked at, and not looked at
    platform: datetime  # written back, and not confirmed
    refusals: datetime  # refused since then, too often


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The findings of one run, and the ticket id after which the next patrol continues (0: from the start)."""

    findings: Sequence[Finding]
    patrolled_to: int


class IntegrityStore(Protocol):
    """Runs the checks and stores findings. It shares no query with the services it checks."""

    async def run_checks(self, thresholds: CheckThresholds, patrolled_to: int) -> CheckResult:
        """Run every check on what is open now, and some of them on the next section of all tickets."""
        ...

    async def recheck(self, findings: Sequence[Finding], thresholds: CheckThresholds) -> list[bool]:
        """Whether each finding still holds, checked for its subject alone."""
        ...

    async def list_open(self) -> Sequence[Finding]:
        """List findings not yet healed, oldest first."""
        ...

    async def save_findings(
        self, found: Sequence[Finding], healed: Sequence[Finding], now: datetime
    ) -> Sequence[Finding]:
        """Store new findings and delete healed ones, each with an audit row; return those truly new.

        What another process has stored meanwhile is not stored again.
        """
        ...


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One journal line: its cells as stored, in the order of LINE_COLUMNS, under its hash."""

    version: int
    prev_hash: str
    key_name: str
    hash: str
    cells: Sequence[object]
    entry: JournalEntry | None  # None if the cells cannot be read


@dataclass(frozen=True, slots=True)
class JournalChain:
    """One ticket as stored. `ticket` is None if its row is gone or no longer readable."""

    ticket_id: int
    ticket_no: str
    ticket: Ticket | None
    ticket_cells: Sequence[object] = ()  # in the order of TICKET_COLUMNS
    lines: Sequence[JournalLine] = ()  # by version
    assignments: Sequence[Assignment] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """Journal lines sealed together; `members` are their ids, `until` the newest instant covered."""

    id: int
    members: tuple[int, ...]
    prev_hash: str
    until: datetime
    key_name: str
    hash: str
    cells: Sequence[object]  # as stored, in the order of SEAL_COLUMNS


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

    async def add_seal(self, seal: Seal) -> bool:
        """Add a seal; False if another process has sealed meanwhile."""
        ...


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row: who did what, about what."""

    id: int
    at: datetime
    actor: str
    event: str
    subject: str | None
    facts: Mapping[str, Any]


class AuditStore(Protocol):
    """Stores the audit log."""

    async def record(self, now: datetime, who: str, what: str, about: str | None = None, **facts: Any) -> None:
        """Append a row."""
        ...

    async def record_within(
        self, now: datetime, who: str, what: str, about: str | None = None, *, limit: int, since: datetime, **facts: Any
    ) -> bool:
        """Append a row unless somebody already did that `limit` times since then: exact, also in parallel (XS11)."""
        ...

    async def list_entries(self, *, before: int | None = None, limit: int = 50) -> Page[AuditEntry]:
        """Return a page of rows, newest first."""
        ...
