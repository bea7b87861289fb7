"""The audit log of events that are not moves: sign-ins, refusals, reveals, changed settings (FA12); never erased."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from backend.ports.ticket_queries import Page


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
