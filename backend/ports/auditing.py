"""What the auditor asks of the database: plain questions about what should have happened and did not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """Something amiss: a code, whom or what it concerns, and facts. No sentence; those are `finding.KIND`."""

    kind: str
    subject: str
    facts: Mapping[str, Any]
    found_at: datetime | None = None  # None: seen just now, not yet in the book


@dataclass(frozen=True, slots=True)
class Since:
    """The instants before which something ought to have happened: office time, but `lease` and `heard` are real."""

    now: datetime
    untold: datetime  # dispatched, and nobody was told
    sign: datetime  # due, and not auto-signed
    close: datetime  # due, and no red card
    letter: datetime  # due, and not sent
    lease: datetime  # held by nobody who lives
    dial: datetime  # asked, and nothing was heard
    talk: datetime  # answered, and never ended
    heard: datetime  # came in, and was not handled
    card: datetime  # changed, and not drawn again
    visit: datetime  # to be visited, and no call is planned
    platform: datetime  # written back, and not confirmed


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look found, and where the patrol over all tickets goes on next time (a ticket id; 0: from the start)."""

    found: Sequence[Finding]
    patrol: int


class AuditingStore(Protocol):
    """The auditor's shelf. It shares no query with the rooms it watches."""

    async def look(self, since: Since, patrol: int) -> Looked:
        """Ask every question about what is open now, and some of them about the next stretch of all tickets."""
        ...

    async def persists(self, findings: Sequence[Finding], since: Since) -> list[bool]:
        """Whether each finding is still so, asked about its subject alone."""
        ...

    async def known(self) -> Sequence[Finding]:
        """Findings not yet healed, oldest first."""
        ...

    async def keep(self, found: Sequence[Finding], healed: Sequence[Finding], now: datetime) -> Sequence[Finding]:
        """Write new findings and strike healed ones, each with a row in the audit book; answers those truly new.

        What another process has written meanwhile is not written again.
        """
        ...
