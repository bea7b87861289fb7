"""One rate limit for several processes: in a table, in Redis, or a share each while Redis is away (FT19, FD20)."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from backend.delivery.shared_limit import SharedRateLimiter
from notify.rate_limit import Bucket, LocalRateLimiter, RateLimiter
from storage.delivery.rate_limit import SqlRateLimitStore
from storage.delivery.rate_limit_redis import RedisRateLimitStore
from storage.engine.database import Database

BOT = Bucket("bot", rate=20, per_seconds=1.0)
CHAT = Bucket("chat:1", rate=1, per_seconds=1.0)
GROUP = Bucket("group:-1", rate=3, per_seconds=60.0, shape="window")


class FakeRedis:
    """As much of Redis as rate limits need: optimistic transactions over a dictionary; may be unreachable."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.changes: dict[str, int] = {}
        self.is_away = False

    def pipeline(self, transaction: bool) -> "FakePipeline":
        assert transaction
        return FakePipeline(self)


class FakePipeline:
    """A transaction of the fake Redis."""

    def __init__(self, redis: FakeRedis) -> None:
        self.redis = redis
        self.seen: dict[str, int] = {}
        self.writes: list[tuple[str, str]] = []

    async def __aenter__(self) -> "FakePipeline":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def watch(self, *names: str) -> None:
        await asyncio.sleep(0)
        if self.redis.is_away:
            raise ConnectionError("away")
        self.seen = {name: self.redis.changes.get(name, 0) for name in names}

    async def mget(self, names: Sequence[str]) -> list[str | None]:
        await asyncio.sleep(0)
        return [self.redis.values.get(name) for name in names]

    def multi(self) -> None:
        return None

    def set(self, name: str, value: str, px: int) -> None:
        assert px > 0
        self.writes.append((name, value))

    async def execute(self) -> None:
        from redis.exceptions import WatchError

        await asyncio.sleep(0)
        if any(self.redis.changes.get(n, 0) != seen for n, seen in self.seen.items()):
            raise WatchError
        for name, value in self.writes:
            self.redis.values[name] = value
            self.redis.changes[name] = self.redis.changes.get(name, 0) + 1


async def count_allowed(limiters: Sequence[RateLimiter], buckets: Sequence[Bucket], now: float) -> int:
    """Let each ask once, at the same time; return how many are allowed."""
    return sum(
        wait == 0.0 for wait in await asyncio.gather(*(limiter.try_acquire(buckets, now) for limiter in limiters))
    )


async def test_many_processes_share_one_limit_in_a_table_FT19_FM11(database: Database) -> None:
    limiters = [SharedRateLimiter(SqlRateLimitStore(database, time.time), time.monotonic) for _ in range(8)]
    assert await count_allowed(limiters, [BOT, CHAT], 1000.0) == 1
    assert await count_allowed(limiters, [BOT], 1000.04) == 0
    assert await count_allowed(limiters, [BOT], 1000.05) == 1
    assert await count_allowed(limiters, [GROUP], 1000.1) == 3
    assert await count_allowed(limiters, [GROUP], 1060.05) == 0
    assert await count_allowed(limiters, [GROUP], 1060.2) == 3


async def test_either_all_buckets_are_counted_or_none(database: Database) -> None:
    limiter = SharedRateLimiter(SqlRateLimitStore(database, time.time), time.monotonic)
    assert await limiter.try_acquire([BOT, CHAT], 1000.0) == 0.0
    assert await limiter.try_acquire([BOT, CHAT], 1000.5) == pytest.approx(0.5)
    assert await limiter.try_acquire([BOT], 1000.5) == 0.0  # the refused attempt was not counted
    assert await limiter.try_acquire([], 1000.5) == 0.0


async def test_the_shared_limit_is_that_of_one_process_alone(database: Database) -> None:
    shared, local = SharedRateLimiter(SqlRateLimitStore(database, time.time), time.monotonic), LocalRateLimiter()
    now = 1000.0
    for step in range(60):
        buckets = [BOT, CHAT.for_subject(str(step % 3)), GROUP]
        assert await shared.try_acquire(buckets, now) == pytest.approx(await local.try_acquire(buckets, now))
        now += 0.013 * (step % 7)


async def test_redis_keeps_the_same_limit_FT19() -> None:
    redis = FakeRedis()
    limiters = [SharedRateLimiter(RedisRateLimitStore(redis), time.monotonic, is_optional=True) for _ in range(8)]
    assert await count_allowed(limiters, [BOT, CHAT], 1000.0) == 1
    assert await count_allowed(limiters, [GROUP], 1000.0) == 3


async def test_without_redis_each_process_uses_a_quarter_of_the_limit_and_tries_redis_again_later_FD20() -> None:
    redis, seconds = FakeRedis(), [0.0]
    limiter = SharedRateLimiter(RedisRateLimitStore(redis), lambda: seconds[0], is_optional=True)
    redis.is_away = True
    allowed = 0
    for step in range(100):  # one second
        allowed += await limiter.try_acquire([BOT], 1000.0 + step / 100) == 0.0
    assert allowed == 5
    redis.is_away = False
    assert redis.values == {}
    seconds[0] = 6.0
    assert await limiter.try_acquire([BOT], 1010.0) == 0.0
    assert list(redis.values) == ["jiesu:rate:bot"]


async def test_a_process_that_cannot_reach_the_database_may_not_send_FM13() -> None:
    class Away:
        async def update(self, *_: object) -> None:
            raise OSError("away")

    with pytest.raises(OSError):
        await SharedRateLimiter(Away(), time.monotonic).try_acquire([BOT], 1.0)
