"""Integrity checks: queries about what should have happened and did not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """Something amiss: a code, its subject, and facts. Its text is `finding.KIND`."""

    kind: str
    subject: str
    facts: Mapping[str, Any]
    found_at: datetime | None = None  # None: just found, not stored yet


@dataclass(frozen=True, slots=True)
class Since:
    """The instants before which something should have happened: office time, but `lease` and `heard` are real time."""

    now: datetime
    untold: datetime  # dispatched, and nobody was notified
    sign: datetime  # due, and not auto-signed
    close: datetime  # due, and no red card
    letter: datetime  # due, and not sent
    lease: datetime  # claimed by a dead process
    dial: datetime  # asked, and nothing was heard
    talk: datetime  # answered, and never ended
    heard: datetime  # received, and not handled
    card: datetime  # changed, and not updated
    visit: datetime  # to be visited, and no call is planned
    platform: datetime  # written back, and not confirmed


@dataclass(frozen=True, slots=True)
class Looked:
    """The findings of one run, and the ticket id after which the next patrol continues (0: from the start)."""

    found: Sequence[Finding]
    patrol: int


class AuditingStore(Protocol):
    """Runs the checks and stores findings. It shares no query with the services it checks."""

    async def look(self, since: Since, patrol: int) -> Looked:
        """Run every check on what is open now, and some of them on the next section of all tickets."""
        ...

    async def persists(self, findings: Sequence[Finding], since: Since) -> list[bool]:
        """Whether each finding still holds, checked for its subject alone."""
        ...

    async def known(self) -> Sequence[Finding]:
        """List findings not yet healed, oldest first."""
        ...

    async def keep(self, found: Sequence[Finding], healed: Sequence[Finding], now: datetime) -> Sequence[Finding]:
        """Store new findings and delete healed ones, each with an audit row; return those truly new.

        What another process has stored meanwhile is not stored again.
        """
        ...
