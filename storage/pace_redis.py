"""Shared rate limits in Redis: optimistic, fast, and allowed to be lost (FD20)."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from backend.ports.pace import States

TRIES = 50  # collisions on one bot's bucket; each loser waits briefly
PATIENCE = 0.5  # seconds a change may take before Redis counts as unavailable


class RedisPace:
    """`RateLimitStore` in Redis. `client` is a redis.asyncio client; its errors propagate."""

    def __init__(self, client: Any, prefix: str = "jiesu:pace:") -> None:
        self._client = client
        self._prefix = prefix

    @classmethod
    def at(cls, url: str) -> "RedisPace":
        """Connect to a Redis URL. Raises ImportError without the redis extra."""
        from redis.asyncio import Redis

        return cls(Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE))

    async def change(self, keys: Sequence[str], decide: Callable[[States], States | None], keep: float) -> None:
        """Read, decide and write; retry after a collision. Raises TimeoutError after PATIENCE seconds."""
        async with asyncio.timeout(PATIENCE):
            for attempt in range(TRIES):
                if await self._once(sorted(set(keys)), decide, keep):
                    return
                await asyncio.sleep(0.001 * (attempt + 1))
        raise TimeoutError("too many collisions")

    async def _once(self, names: Sequence[str], decide: Callable[[States], States | None], keep: float) -> bool:
        from redis.exceptions import WatchError

        places = [self._prefix + name for name in names]
        async with self._client.pipeline(transaction=True) as pipe:
            await pipe.watch(*places)
            bodies = await pipe.mget(places)
            after = decide({n: tuple(json.loads(b)) if b else () for n, b in zip(names, bodies, strict=True)})
            if after is None:
                return True
            pipe.multi()
            for name, state in after.items():
                pipe.set(self._prefix + name, json.dumps(state), px=max(1, int(keep * 1000)))
            try:
                await pipe.execute()
            except WatchError:
                return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
