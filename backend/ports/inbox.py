"""The inbox: each event is stored once and kept until done, in order per chat, whichever worker handles it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A claimed update. `attempts` counts this one, so it is 1 at the first try."""

    id: int
    source: str
    external_id: str
    conversation: str
    body: str
    received_at: datetime
    attempts: int


class InboxStore(Protocol):
    """The inbox of all sources. Leases and retries go by the database's clock: no host's, no moved one (XR1)."""

    async def receive(self, source: str, body: bytes) -> bool:
        """Store an update; False if it is a duplicate. An unparsable one is stored as `unreadable` (FT7).

        Raises Unavailable `version_gate`: only code of another version may work here now (FD12).
        """
        ...

    async def claim(self, source: str, owner: str, limit: int) -> Sequence[InboxItem]:
        """Claim updates, each the oldest of its chat, so that a chat keeps its order (FT3)."""
        ...

    async def renew(self, owner: str) -> None:
        """Extend the leases of this owner; called several times per lease."""
        ...

    async def mark_done(self, ids: Collection[int]) -> None:
        """Mark updates as done."""
        ...

    async def mark_unreadable(self, item_id: int, error: str) -> None:
        """Mark an update that cannot be understood; it is kept, never retried."""
        ...

    async def record_failure(self, item_id: int, error: str) -> bool:
        """Retry later; True if it was tried often enough and is now dead (FT8)."""
        ...

    async def put_back(self, item_id: int) -> None:
        """Let it wait again, in a second at the earliest, as if it had not been claimed (XR13)."""
        ...

    async def acquire_lease(self, name: str, owner: str, span: timedelta) -> bool:
        """Acquire or renew for `span` a lease that one process at a time may hold; False while another holds it (FT30)."""
        ...

    async def release_lease(self, name: str, owner: str) -> None:
        """Release a lease."""
        ...

    async def delete_done(self, before: datetime) -> int:
        """Delete what was done before that instant; return how many rows."""
        ...
