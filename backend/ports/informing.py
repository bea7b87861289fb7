"""What the informing room needs of its shelf: moves a caller is to be told of in writing, and was not yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class News:
    """A move of a ticket's lead unit that concerns its caller."""

    ticket_id: int
    version: int  # of the journal line: a text of a kind is sent once for it
    verb: str
    words: Mapping[str, Any]  # as the journal has them


class NewsStore(Protocol):
    """storage/informing.py."""

    async def untold(self, after: datetime, kinds: dict[str, str], limit: int) -> Sequence[News]:
        """Moves recorded from then on whose verb is one of `kinds` (verb → kind of text) and that have no text yet."""
        ...
