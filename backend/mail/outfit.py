"""What a courier carries, and the gate at which leave to send is asked."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from backend.cards import Cards
from backend.office import Office
from backend.ports.cards import CardStore
from backend.ports.letters import LetterStore
from backend.ports.moves import MovesStore
from notify.channel import Channel
from notify.pace import Pacer

SLEEP_ASIDE = 0.3  # seconds: who must wait longer for his chat lets others pass meanwhile


class Bindings(Protocol):
    """backend/registry.py: who is bound where."""

    async def lose_binding(self, person: str, channel: str, reason: str) -> bool: ...


class IdSupply(Protocol):
    """Numbers for new rows."""

    async def refill(self, need: int = ...) -> None: ...
    def take(self) -> int: ...


@dataclass(frozen=True)
class Outfit:
    """What a courier carries."""

    letters: LetterStore
    cards: CardStore
    draw: Cards
    moves: MovesStore
    office: Office
    channels: Mapping[str, Channel]
    pacer: Pacer
    bindings: Bindings
    ids: IdSupply
    owner: str
    lease_seconds: float
    real: Callable[[], float]  # seconds since 1970, of the real clock: leases and paces
    jitter: Callable[[], float]
    again: str  # put before a second copy
    hold: Callable[[str, str, float], None]  # channel, address, real second

    def lease(self) -> datetime:
        """Until when what is taken now is held."""
        return datetime.fromtimestamp(self.real() + self.lease_seconds, UTC)

    def real_now(self) -> datetime:
        """The real moment, for leases."""
        return datetime.fromtimestamp(self.real(), UTC)


class Gate:
    """Lets one at a time ask for leave to send, so that few stand in an urgent letter's way; urgent ones pass it."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit
        self._turn = asyncio.Lock()

    async def leave(self, channel: Channel, address: str, urgent: bool) -> None:
        """Wait until the pace allows one more to this address."""
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
