"""Optional dependencies of scoring besides its own store: audit log, files, outbox, texts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from backend.domain.acts import Actor
from backend.domain.records import Message


class AuditLog(Protocol):
    """The audit log (ports/audit)."""

    async def record(self, now: datetime, who: str, what: str, about: str | None = None, **facts: Any) -> None: ...


class FileChecker(Protocol):
    """Checks that uploaded files exist (backend/tickets/files.py)."""

    async def are_usable(self, ids: Collection[str], by: Actor) -> bool: ...


class MessageOutbox(Protocol):
    """The outbox (ports/outbox)."""

    async def add(self, messages: Sequence[Message]) -> None: ...


class IdSupply(Protocol):
    """Ids for new rows."""

    async def refill(self, need: int = ...) -> None: ...
    def take(self) -> int: ...


class TextSource(Protocol):
    """The text catalogue."""

    def render(self, key: str, /, **facts: Any) -> str: ...


@dataclass
class ScoringDependencies:
    """Dependencies, each optional: a trial run at the command line needs none."""

    audit: AuditLog | None = None
    files: FileChecker | None = None
    outbox: MessageOutbox | None = None
    texts: TextSource | None = None

    async def note(self, now: datetime, who: str, what: str, about: object, **facts: Any) -> None:
        """Write an audit log row, if there is an audit log."""
        if self.audit is not None:
            await self.audit.record(now, who, what, str(about), **facts)

    def render(self, key: str, /, **facts: Any) -> str:
        """Render a text of the catalogue; "" without a catalogue."""
        return "" if self.texts is None else self.texts.render(key, **facts)
