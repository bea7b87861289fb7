"""Moves that requesters are to be informed of in writing, and were not yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class News:
    """A move of a ticket's lead unit that concerns its requester."""

    ticket_id: int
    version: int  # of the journal line: one text of a kind is sent for it
    verb: str
    words: Mapping[str, Any]  # as in the journal


class NewsStore(Protocol):
    """Finds news for requesters."""

    async def untold(self, after: datetime, kinds: dict[str, str], limit: int) -> Sequence[News]:
        """List moves recorded since then whose verb is in `kinds` (verb → kind of text) and that have no text yet."""
        ...
