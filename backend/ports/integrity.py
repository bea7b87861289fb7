"""Integrity checks: queries about what should have happened and did not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol


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
