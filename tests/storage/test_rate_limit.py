"""One rate limit for several processes: in a table, in Redis, or a share each while Redis is away (FT19, FD20)."""

import asyncio
import json
import time
from collections.abc import Sequence

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import create_async_engine

from backend.delivery.shared_limit import SharedRateLimiter
from notify.rate_limit import Bucket, LocalRateLimiter, RateLimiter
from storage import tables as t
from storage.delivery.rate_limit import SqlRateLimitStore
from storage.delivery.rate_limit_redis import RedisRateLimitStore
from storage.engine.database import Database
from storage.engine.lease_clock import LeaseClock
from storage.engine.open import open_database

BOT = Bucket("bot", rate=20, per_seconds=1.0)
CHAT = Bucket("chat:1", rate=1, per_seconds=1.0)
GROUP = Bucket("group:-1", rate=3, per_seconds=60.0, shape="window")


class FakeRedis:
    """As much of Redis as rate limits need: optimistic transactions over a dictionary; may be unreachable."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.seconds = 1_000.0  # what TIME answers
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

    async def time(self) -> tuple[int, int]:
        whole = int(self.redis.seconds)
        return whole, round((self.redis.seconds - whole) * 1_000_000)

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


async def count_allowed(limiters: Sequence[RateLimiter], buckets: Sequence[Bucket]) -> int:
    """Let each ask once, at the same time; return how many are allowed."""
    return sum(wait == 0.0 for wait in await asyncio.gather(*(limiter.try_acquire(buckets) for limiter in limiters)))


@pytest.fixture
def seconds(database: Database) -> list[float]:
    """The seconds by which the table's limits run; a test moves them."""
    now = [1_000.0]
    database.lease_clock = LeaseClock(lambda: now[0])
    return now


def build_shared(database: Database) -> SharedRateLimiter:
    return SharedRateLimiter(SqlRateLimitStore(database), time.monotonic)


async def test_many_processes_share_one_limit_in_a_table_FT19_FM11(database: Database, seconds: list[float]) -> None:
    limiters = [build_shared(database) for _ in range(8)]
    assert await count_allowed(limiters, [BOT, CHAT]) == 1
    seconds[0] = 1000.04
    assert await count_allowed(limiters, [BOT]) == 0
    seconds[0] = 1000.051
    assert await count_allowed(limiters, [BOT]) == 1
    seconds[0] = 1000.1
    assert await count_allowed(limiters, [GROUP]) == 3
    seconds[0] = 1060.05
    assert await count_allowed(limiters, [GROUP]) == 0
    seconds[0] = 1060.2
    assert await count_allowed(limiters, [GROUP]) == 3


async def test_either_all_buckets_are_counted_or_none(database: Database, seconds: list[float]) -> None:
    limiter = build_shared(database)
    assert await limiter.try_acquire([BOT, CHAT]) == 0.0
    seconds[0] = 1000.5
    assert await limiter.try_acquire([BOT, CHAT]) == pytest.approx(0.5)
    assert await limiter.try_acquire([BOT]) == 0.0  # the refused attempt was not counted
    assert await limiter.try_acquire([]) == 0.0


async def test_the_shared_limit_is_that_of_one_process_alone(database: Database, seconds: list[float]) -> None:
    table, local = build_shared(database), LocalRateLimiter(lambda: seconds[0])
    for step in range(60):
        buckets = [BOT, CHAT.for_subject(str(step % 3)), GROUP]
        assert await table.try_acquire(buckets) == pytest.approx(await local.try_acquire(buckets), abs=2e-6)
        seconds[0] += 0.013 * (step % 7)


@pytest.mark.parametrize("shape", ["smooth", "window"])
async def test_a_state_in_the_future_stops_nobody_and_is_rewritten_XR1(database: Database, shape: str) -> None:
    bucket = BOT if shape == "smooth" else GROUP
    ahead = json.dumps([(time.time() + 3600)] * 3 if shape == "window" else [time.time() + 3600])
    await database.execute(insert(t.rate_limits).values(bucket=bucket.key, state=ahead, idle_at=0))
    assert await build_shared(database).try_acquire([bucket]) == 0.0
    kept = await database.fetch_value(select(t.rate_limits.c.state).where(t.rate_limits.c.bucket == bucket.key))
    ((now,),) = await database.fetch_rows(select(database.lease_clock.now), database.lease_clock.parameters())
    assert all(at <= now / 1_000_000 + 1 for at in json.loads(kept or "[]"))


async def test_who_waits_for_a_locked_bucket_is_told_the_time_after_the_wait_XR1(postgres_url: str) -> None:
    db = open_database(postgres_url, time.monotonic)
    limiter, slow = build_shared(db), Bucket("slow", rate=1, per_seconds=10.0)
    try:
        assert await limiter.try_acquire([slow]) == 0.0
        held, go = asyncio.Event(), asyncio.Event()
        hold = asyncio.create_task(_hold(postgres_url, slow.key, held, go))
        await held.wait()
        waiting = asyncio.create_task(limiter.try_acquire([slow]))
        await asyncio.sleep(0.3)
        go.set()
        await hold
        # the other one's send stands 0.3 s later than our question: neither "impossible", nor counted twice
        assert 5 < await waiting <= 10
    finally:
        await db.close()


async def _hold(url: str, key: str, held: asyncio.Event, go: asyncio.Event) -> None:
    """Another process counts a send at the end of a long transaction."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as c:
        await c.execute(select(t.rate_limits).where(t.rate_limits.c.bucket == key).with_for_update())
        held.set()
        await go.wait()
        now = (await c.execute(select(LeaseClock().now))).scalar_one() / 1_000_000
        await c.execute(update(t.rate_limits).where(t.rate_limits.c.bucket == key).values(state=json.dumps([now + 10])))
    await engine.dispose()


async def test_redis_keeps_the_same_limit_by_its_own_time_FT19_XR1() -> None:
    redis = FakeRedis()
    hosts = [lambda n=n: n * 300.0 for n in range(8)]  # minutes apart; nobody asks them
    limiters = [SharedRateLimiter(RedisRateLimitStore(redis), host, is_optional=True) for host in hosts]
    assert await count_allowed(limiters, [BOT, CHAT]) == 1
    assert await count_allowed(limiters, [GROUP]) == 3
    redis.seconds += 1
    assert await count_allowed(limiters, [BOT, CHAT]) == 1
    redis.seconds -= 3600
    assert await count_allowed(limiters, [BOT, CHAT]) == 1


async def test_without_redis_each_process_uses_a_quarter_of_the_limit_and_tries_redis_again_later_FD20() -> None:
    redis, seconds = FakeRedis(), [0.0]
    limiter = SharedRateLimiter(RedisRateLimitStore(redis), lambda: seconds[0], is_optional=True)
    redis.is_away = True
    allowed = 0
    for step in range(100):  # one second
        seconds[0] = step / 100
        allowed += await limiter.try_acquire([BOT]) == 0.0
    assert allowed == 5
    redis.is_away = False
    assert redis.values == {}
    seconds[0] = 6.0
    assert await limiter.try_acquire([BOT]) == 0.0
    assert list(redis.values) == ["jiesu:rate:bot"]


async def test_a_process_that_cannot_reach_the_database_may_not_send_FM13() -> None:
    class Away:
        async def update(self, *_: object) -> None:
            raise OSError("away")

    with pytest.raises(OSError):
        await SharedRateLimiter(Away(), time.monotonic).try_acquire([BOT])
