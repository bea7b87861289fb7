"""What is no move but must be known: sign-ins, refusals, reveals, changed settings (FA12). There is no way to erase it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from backend.ports.reading import Page


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: who did what, about what."""

    id: int
    at: datetime
    who: str
    what: str
    about: str | None
    facts: Mapping[str, Any]


class AuditStore(Protocol):
    """The audit book."""

    async def note(self, now: datetime, who: str, what: str, about: str | None = None, **facts: Any) -> None:
        """Write one row."""
        ...

    async def times(self, who: str, what: str, since: datetime) -> int:
        """How often somebody did that since then."""
        ...

    async def entries(self, *, before: int | None = None, limit: int = 50) -> Page[Entry]:
        """A page of rows, newest first."""
        ...
