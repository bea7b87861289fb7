"""Dependencies of the delivery worker, and the gate that acquires rate-limit tokens."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from backend.cards import Cards
from backend.office.cache import OfficeCache
from backend.ports.cards import CardStore
from backend.ports.moves import MoveStore
from backend.ports.outbox import OutboxStore
from notify.channel import Channel
from notify.pace import Pacer

SLEEP_ASIDE = 0.3  # seconds: a longer wait for one chat gives up the lock, so that others pass meanwhile


class Bindings(Protocol):
    """Who is bound to which chat (backend/office/people.py)."""

    async def drop_binding(self, person: str, channel: str, reason: str) -> bool: ...


class IdSupply(Protocol):
    """Ids for new rows."""

    async def refill(self, need: int = ...) -> None: ...
    def take(self) -> int: ...


@dataclass(frozen=True)
class Outfit:
    """Dependencies of the delivery worker."""

    letters: OutboxStore
    cards: CardStore
    draw: Cards
    moves: MoveStore
    office: OfficeCache
    channels: Mapping[str, Channel]
    pacer: Pacer
    bindings: Bindings
    ids: IdSupply
    owner: str
    lease_seconds: float
    real: Callable[[], float]  # seconds since 1970 of the real clock, for leases and rate limits
    jitter: Callable[[], float]
    again: str  # prefix of a second copy
    hold: Callable[[str, str, float], None]  # channel, address, real second

    def lease(self) -> datetime:
        """Return when a lease taken now expires."""
        return datetime.fromtimestamp(self.real() + self.lease_seconds, UTC)

    def real_now(self) -> datetime:
        """Return the real time, for leases."""
        return datetime.fromtimestamp(self.real(), UTC)


class Gate:
    """Serialises rate-limit requests of normal messages; urgent ones bypass."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit
        self._turn = asyncio.Lock()

    async def leave(self, channel: Channel, address: str, urgent: bool) -> None:
        """Wait until the rate limits allow one more send to this address."""
        while True:
            seconds = await self._ask(channel, address, urgent)
            if seconds <= 0.0:
                return
            await asyncio.sleep(seconds)

    async def _ask(self, channel: Channel, address: str, urgent: bool) -> float:
        buckets = channel.buckets(address)
        if not buckets:
            return 0.0
        if urgent:
            return await self._outfit.pacer.take(buckets, self._outfit.real())
        async with self._turn:
            while True:
                seconds = await self._outfit.pacer.take(buckets, self._outfit.real())
                if seconds == 0.0 or seconds > SLEEP_ASIDE:
                    return seconds
                await asyncio.sleep(seconds)
