"""Dependencies of the delivery worker, and the gate that acquires rate-limit tokens."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backend.delivery.cards import CardRenderer
from backend.domain.chance import Chance
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from backend.office.people import People
from backend.ports.chat import CardStore
from backend.ports.ids import IdSupply
from backend.ports.operations import TellAlarm
from backend.ports.outbox import Ask, ClaimedMessage, OutboxStore
from backend.ports.tickets import MoveStore
from notify.channel import Channel
from notify.rate_limit import RateLimiter

SHORT_WAIT = 0.3  # seconds: a longer wait for one chat gives up the lock, so that others pass meanwhile


@dataclass(frozen=True)
class DeliveryDependencies:
    """Dependencies of the delivery worker."""

    outbox: OutboxStore
    cards: CardStore
    renderer: CardRenderer
    moves: MoveStore
    office: OfficeCache
    channels: Mapping[str, Channel]
    rate_limiter: RateLimiter
    bindings: People
    ids: IdSupply
    owner: str
    lease_seconds: float
    chance: Chance
    copy_prefix: str  # prefix of a second copy
    hold_address: Callable[[str, str, float], None]  # channel, address, monotonic second
    tell_alarm: TellAlarm

    @property
    def clock(self) -> Clock:
        """The office's clock."""
        return self.office.clock

    @property
    def lease(self) -> timedelta:
        """How long a claim lasts unless it is renewed."""
        return timedelta(seconds=self.lease_seconds)

    def build_ask(self, claimed: ClaimedMessage) -> Ask:
        """Build the record that this message may leave now."""
        return Ask(claimed.message.id, claimed.owner, claimed.message.attempts, self.clock.now())


class RateGate:
    """Serialises rate-limit requests of normal messages; urgent ones bypass."""

    def __init__(self, deps: DeliveryDependencies) -> None:
        self._deps = deps
        self._turn = asyncio.Lock()

    async def acquire(self, channel: Channel, address: str, urgent: bool) -> None:
        """Wait until the rate limits allow one more send to this address."""
        while True:
            seconds = await self._try_acquire(channel, address, urgent)
            if seconds <= 0.0:
                return
            await asyncio.sleep(seconds)

    async def _try_acquire(self, channel: Channel, address: str, urgent: bool) -> float:
        buckets = channel.buckets(address)
        if not buckets:
            return 0.0
        if urgent:
            return await self._deps.rate_limiter.try_acquire(buckets)
        async with self._turn:
            while True:
                seconds = await self._deps.rate_limiter.try_acquire(buckets)
                if seconds == 0.0 or seconds > SHORT_WAIT:
                    return seconds
                await asyncio.sleep(seconds)
