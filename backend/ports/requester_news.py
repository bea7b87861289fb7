"""Moves that requesters are to be informed of in writing, and were not yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RequesterNews:
    """A move of a ticket's lead unit that concerns its requester."""

    ticket_id: int
    version: int  # of the journal line: one text of a kind is sent for it
    verb: str
    arguments: Mapping[str, Any]  # as in the journal


class RequesterNewsStore(Protocol):
    """Finds news for requesters."""

    async def list_unsent(self, after: datetime, kinds: dict[str, str], limit: int) -> Sequence[RequesterNews]:
        """List moves recorded since then whose verb is in `kinds` (verb → kind of text) and that have no text yet."""
        ...
