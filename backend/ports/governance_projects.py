"""Projects of proactive governance (未诉先办; B23, B29)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class GovernanceProject:
    """One class of matters treated as a whole. `state`: draft, open, closed, accepted or refused."""

    id: int
    unit: str  # the management institution it counts for
    month: str  # 2026-11
    topic: str
    cause: str
    measures: str
    tickets: tuple[str, ...]
    state: str
    drafted: bool  # proposed automatically from a cluster
    opened_by: str
    opened_at: datetime
    closed_by: str | None = None
    closed_at: datetime | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    ledger_id: int | None = None


class GovernanceStore(Protocol):
    """Stores governance projects."""

    async def add_project(self, project: GovernanceProject) -> None:
        """Add a project."""
        ...

    async def get_project(self, project_id: int) -> GovernanceProject | None:
        """Return one project."""
        ...

    async def list_projects(self, month: str | None, unit: str | None) -> Sequence[GovernanceProject]:
        """List projects, newest first."""
        ...

    async def update_project(self, project_id: int, state: str, changes: Mapping[str, Any]) -> bool:
        """Update a project that is still in `state`; False if somebody else was faster."""
        ...

    async def find_existing_numbers(self, numbers: Sequence[str]) -> frozenset[str]:
        """Return those of the ticket numbers that exist."""
        ...
