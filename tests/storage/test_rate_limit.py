"""One pace for several processes: on a table, in Redis, and a smaller one of our own while Redis is away (FT19, FD20)."""

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
    """As much of a Redis as the pace needs: optimistic transactions over a dictionary; may be gone."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.changes: dict[str, int] = {}
        self.gone = False

    def pipeline(self, transaction: bool) -> "FakePipe":
        assert transaction
        return FakePipe(self)


class FakePipe:
    def __init__(self, redis: FakeRedis) -> None:
        self.redis = redis
        self.seen: dict[str, int] = {}
        self.todo: list[tuple[str, str]] = []

    async def __aenter__(self) -> "FakePipe":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def watch(self, *names: str) -> None:
        await asyncio.sleep(0)
        if self.redis.gone:
            raise ConnectionError("gone")
        self.seen = {name: self.redis.changes.get(name, 0) for name in names}

    async def mget(self, names: Sequence[str]) -> list[str | None]:
        await asyncio.sleep(0)
        return [self.redis.kept.get(name) for name in names]

    def multi(self) -> None:
        return None

    def set(self, name: str, value: str, px: int) -> None:
        assert px > 0
        self.todo.append((name, value))

    async def execute(self) -> None:
        from redis.exceptions import WatchError

        await asyncio.sleep(0)
        if any(self.redis.changes.get(n, 0) != seen for n, seen in self.seen.items()):
            raise WatchError
        for name, value in self.todo:
            self.redis.kept[name] = value
            self.redis.changes[name] = self.redis.changes.get(name, 0) + 1


async def leaves(pacers: Sequence[RateLimiter], buckets: Sequence[Bucket], now: float) -> int:
    """How many of one ask each may leave at once."""
    return sum(w == 0.0 for w in await asyncio.gather(*(p.try_acquire(buckets, now) for p in pacers)))


async def test_many_processes_share_one_table_and_keep_one_pace_FT19_FM11(database: Database) -> None:
    pacers = [SharedRateLimiter(SqlRateLimitStore(database, time.time), time.monotonic) for _ in range(8)]
    assert await leaves(pacers, [BOT, CHAT], 1000.0) == 1
    assert await leaves(pacers, [BOT], 1000.04) == 0
    assert await leaves(pacers, [BOT], 1000.05) == 1
    assert await leaves(pacers, [GROUP], 1000.1) == 3
    assert await leaves(pacers, [GROUP], 1060.05) == 0
    assert await leaves(pacers, [GROUP], 1060.2) == 3


async def test_all_buckets_are_counted_or_none(database: Database) -> None:
    limiter = SharedRateLimiter(SqlRateLimitStore(database, time.time), time.monotonic)
    assert await limiter.try_acquire([BOT, CHAT], 1000.0) == 0.0
    assert await limiter.try_acquire([BOT, CHAT], 1000.5) == pytest.approx(0.5)
    assert await limiter.try_acquire([BOT], 1000.5) == 0.0  # the refused one was not counted
    assert await limiter.try_acquire([], 1000.5) == 0.0


async def test_the_table_says_what_one_process_alone_would_say(database: Database) -> None:
    shared, local = SharedRateLimiter(SqlRateLimitStore(database, time.time), time.monotonic), LocalRateLimiter()
    now = 1000.0
    for step in range(60):
        buckets = [BOT, CHAT.for_subject(str(step % 3)), GROUP]
        assert await shared.try_acquire(buckets, now) == pytest.approx(await local.try_acquire(buckets, now))
        now += 0.013 * (step % 7)


async def test_a_redis_keeps_the_same_pace_FT19() -> None:
    redis = FakeRedis()
    pacers = [SharedRateLimiter(RedisRateLimitStore(redis), time.monotonic, is_optional=True) for _ in range(8)]
    assert await leaves(pacers, [BOT, CHAT], 1000.0) == 1
    assert await leaves(pacers, [GROUP], 1000.0) == 3


async def test_without_redis_each_process_takes_a_quarter_and_asks_again_later_FD20() -> None:
    redis, seconds = FakeRedis(), [0.0]
    limiter = SharedRateLimiter(RedisRateLimitStore(redis), lambda: seconds[0], is_optional=True)
    redis.gone = True
    left = 0
    for step in range(100):  # a second
        left += await limiter.try_acquire([BOT], 1000.0 + step / 100) == 0.0
    assert left == 5
    redis.gone = False
    assert redis.kept == {}
    seconds[0] = 6.0
    assert await limiter.try_acquire([BOT], 1010.0) == 0.0
    assert list(redis.kept) == ["jiesu:rate:bot"]


async def test_who_cannot_reach_the_database_gets_no_leave_to_send_FM13() -> None:
    class Away:
        async def update(self, *_: object) -> None:
            raise OSError("away")

    with pytest.raises(OSError):
        await SharedRateLimiter(Away(), time.monotonic).try_acquire([BOT], 1.0)
