"""Remembers what a repeated request was answered, so that a repetition is no second act (FR4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

KEPT = timedelta(hours=48)
ABANDONED = timedelta(seconds=60)  # a claim this old was left by a process that died


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of a key. `status` 0: somebody is at work on it right now."""

    same_body: bool
    status: int
    answer: str


class IdempotencyStore(Protocol):
    """The book of answers."""

    async def claim(self, key: str, body_hash: str, now: datetime) -> Earlier | None:
        """None: the key is yours, do the work and settle it. Otherwise what is known of it."""
        ...

    async def known(self, key: str, body_hash: str) -> Earlier | None:
        """What is known of a key, without claiming it."""
        ...

    async def settle(self, key: str, status: int, answer: str) -> None:
        """Remember the answer."""
        ...

    async def release(self, key: str) -> None:
        """Forget the claim: nothing was done."""
        ...
