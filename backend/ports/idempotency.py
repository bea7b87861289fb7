"""Remembers the answer to a request, so that repeating the request does not repeat the act (FR4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

RETENTION = timedelta(hours=48)
CLAIM_TIMEOUT = timedelta(seconds=60)  # an older claim was left by a process that died


@dataclass(frozen=True, slots=True)
class PriorRequest:
    """What is known of a key. `status` 0: another request is working on it now."""

    same_body: bool
    status: int
    answer: str


class IdempotencyStore(Protocol):
    """Stores claims and answers by idempotency key."""

    async def claim(self, key: str, body_hash: str, now: datetime) -> PriorRequest | None:
        """Claim a key. None: it is yours, do the work and settle it; otherwise return what is known of it."""
        ...

    async def find(self, key: str, body_hash: str) -> PriorRequest | None:
        """Return what is known of a key, without claiming it."""
        ...

    async def settle(self, key: str, status: int, answer: str) -> None:
        """Store the answer."""
        ...

    async def release(self, key: str) -> None:
        """Release the claim: nothing was done."""
        ...
