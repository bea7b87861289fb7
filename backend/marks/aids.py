"""What the marks may lean on beside their own shelf, where the house has it: the audit book, papers, letters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from backend.domain.acts import Actor
from backend.domain.records import Letter


class Book(Protocol):
    """The audit book (ports/audit)."""

    async def note(self, now: datetime, who: str, what: str, about: str | None = None, **facts: Any) -> None: ...


class Papers(Protocol):
    """Whether papers handed in are there (backend/filing.py)."""

    async def all_there(self, ids: Collection[str], by: Actor) -> bool: ...


class Post(Protocol):
    """Where letters are put (ports/letters)."""

    async def add(self, letters: Sequence[Letter]) -> None: ...


class IdSupply(Protocol):
    """Numbers for new rows."""

    async def refill(self, need: int = ...) -> None: ...
    def take(self) -> int: ...


class Words(Protocol):
    """The catalogue."""

    def say(self, key: str, /, **facts: Any) -> str: ...


@dataclass
class Aids:
    """Each may be absent: a trial run at the command line needs none."""

    audit: Book | None = None
    papers: Papers | None = None
    post: Post | None = None
    words: Words | None = None

    async def note(self, now: datetime, who: str, what: str, about: object, **facts: Any) -> None:
        """A row in the audit book."""
        if self.audit is not None:
            await self.audit.note(now, who, what, str(about), **facts)

    def say(self, key: str, /, **facts: Any) -> str:
        """A sentence of the catalogue; without one, nothing."""
        return "" if self.words is None else self.words.say(key, **facts)
