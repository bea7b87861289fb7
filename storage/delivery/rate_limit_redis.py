"""Shared rate limits in Redis: optimistic, fast, and allowed to be lost (FD20)."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from backend.ports.outbox import Decide

MAX_ATTEMPTS = 50  # collisions on one bot's bucket; each loser waits briefly
TIMEOUT = 0.5  # seconds a change may take before Redis counts as unavailable


class RedisRateLimitStore:
    """`RateLimitStore` in Redis, by its `TIME`. `client` is a redis.asyncio client; its errors propagate."""

    def __init__(self, client: Any, prefix: str = "jiesu:rate:") -> None:
        self._client = client
        self._prefix = prefix

    @classmethod
    def connect(cls, url: str) -> "RedisRateLimitStore":
        """Connect to a Redis URL. Raises ImportError without the redis extra."""
        from redis.asyncio import Redis

        return cls(Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT))

    async def update(self, buckets: Sequence[str], decide: Decide, keep_seconds: float) -> None:
        """Read, decide and write; retry after a collision. Raises TimeoutError after `TIMEOUT` seconds."""
        async with asyncio.timeout(TIMEOUT):
            for attempt in range(MAX_ATTEMPTS):
                if await self._try_update(sorted(set(buckets)), decide, keep_seconds):
                    return
                await asyncio.sleep(0.001 * (attempt + 1))
        raise TimeoutError("too many collisions")

    async def _try_update(self, names: Sequence[str], decide: Decide, keep: float) -> bool:
        from redis.exceptions import WatchError

        places = [self._prefix + name for name in names]
        async with self._client.pipeline(transaction=True) as pipe:
            await pipe.watch(*places)
            bodies = await pipe.mget(places)
            seconds, micros = await pipe.time()  # after the states: whoever wrote them did so before
            states = {n: tuple(json.loads(b)) if b else () for n, b in zip(names, bodies, strict=True)}
            after = decide(states, seconds + micros / 1_000_000)
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
