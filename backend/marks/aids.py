"""Optional dependencies of scoring besides its own store: audit log, files, outbox, texts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from backend.domain.acts import Actor
from backend.domain.records import Message


class Book(Protocol):
    """The audit log (ports/audit)."""

    async def record(self, now: datetime, who: str, what: str, about: str | None = None, **facts: Any) -> None: ...


class Papers(Protocol):
    """Checks that uploaded files exist (backend/tickets/files.py)."""

    async def are_usable(self, ids: Collection[str], by: Actor) -> bool: ...


class Post(Protocol):
    """The outbox (ports/letters)."""

    async def add(self, messages: Sequence[Message]) -> None: ...


class IdSupply(Protocol):
    """Ids for new rows."""

    async def refill(self, need: int = ...) -> None: ...
    def take(self) -> int: ...


class Words(Protocol):
    """The text catalogue."""

    def render(self, key: str, /, **facts: Any) -> str: ...


@dataclass
class Aids:
    """Dependencies, each optional: a trial run at the command line needs none."""

    audit: Book | None = None
    papers: Papers | None = None
    post: Post | None = None
    words: Words | None = None

    async def note(self, now: datetime, who: str, what: str, about: object, **facts: Any) -> None:
        """Write an audit log row, if there is an audit log."""
        if self.audit is not None:
            await self.audit.record(now, who, what, str(about), **facts)

    def render(self, key: str, /, **facts: Any) -> str:
        """Render a text of the catalogue; "" without a catalogue."""
        return "" if self.words is None else self.words.render(key, **facts)
