"""What this process has claimed and not settled, and the beat that keeps it: waiting costs no lease (XR7, FM5)."""

import asyncio
import contextlib
from collections.abc import Collection

import structlog

from backend.delivery.rate_gate import DeliveryDependencies
from backend.ports.availability import Unavailable

log = structlog.get_logger("delivery")
BEATS = 3  # a lease
MIN_LEFT = 0.45  # of the lease, when a message is sent: a lease is three of the provider's time-outs or longer (XR7)

Key = tuple[bool, int]  # is it a card; id


class InHand:
    """The claims of one process. One statement a table renews all of them; none while nothing is in hand for long."""

    def __init__(self, deps: DeliveryDependencies) -> None:
        self._deps = deps
        self._kept_at: dict[Key, float] = {}  # monotonic second, before the statement that last kept it
        self._beat: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    def add(self, keys: Collection[Key], at: float) -> None:
        """Note what was claimed by a statement begun at monotonic second `at`."""
        self._kept_at.update(dict.fromkeys(keys, at))
        if keys and (self._beat is None or self._beat.done()):
            self._beat = asyncio.create_task(self._keep_beating())

    def remove(self, key: Key) -> None:
        """Forget what is settled, or left to its lease."""
        self._kept_at.pop(key, None)

    async def is_kept(self, key: Key) -> bool:
        """Whether it is ours for as long as a request takes; renews what is short, and tells a late one (FS15, FM15)."""
        if not self._is_short(key):
            return True
        await self.renew()
        return not self._is_short(key)

    async def renew(self) -> None:
        """Renew all leases; what another has taken is forgotten."""
        o, now = self._deps, self._deps.clock.monotonic()
        messages = [id for is_card, id in self._kept_at if not is_card]
        cards = [id for is_card, id in self._kept_at if is_card]
        if messages:
            kept = await o.outbox.renew(o.owner, messages, o.lease)
            for id in messages:
                if id not in kept:
                    self.remove((False, id))
                elif (False, id) in self._kept_at:
                    self._kept_at[False, id] = now
        if cards:
            await o.cards.renew(o.owner, cards, o.lease)
            self._kept_at.update({key: now for id in cards if (key := (True, id)) in self._kept_at})

    def wake(self) -> None:
        """Beat now: nobody could for a while."""
        self._woken.set()
        self._woken.clear()

    async def close(self) -> None:
        """Stop the beat."""
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.gather(self._beat, return_exceptions=True)

    def _is_short(self, key: Key) -> bool:
        o = self._deps
        left = self._kept_at.get(key, float("-inf")) + o.lease_seconds - o.clock.monotonic()
        return left < MIN_LEFT * o.lease_seconds

    async def _keep_beating(self) -> None:
        while self._kept_at:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._deps.lease_seconds / BEATS):
                    await self._woken.wait()
            if not self._kept_at:
                return
            try:
                await self.renew()
            except Unavailable:
                continue
            except Exception as error:  # the next beat tries again; without any, leases expire as they should
                log.warning("beat_missed", error=type(error).__name__)
