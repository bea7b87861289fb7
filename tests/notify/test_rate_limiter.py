"""Rate limits: never exceeded, no idling without need, urgent messages first."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.chat.telegram.channel import PER_BOT, PER_CHAT, PER_GROUP
from notify.rate_limit import (
    Bucket,
    LocalBuckets,
    LocalRateLimiter,
    RateLimitedQueue,
    get_wait,
    is_idle,
    spend,
)

CHAT = "7"


def simulate(bucket: Bucket, sends: int, late: float = 0.0) -> list[float]:
    """The times of `sends`, each asked for as soon as it is allowed and made `late` seconds later."""
    now, state, times = 1000.0, (), []
    while len(times) < sends:
        if seconds := get_wait(bucket, state, now):
            now += seconds + late
        else:
            state = spend(bucket, state, now)
            times.append(now)
    return times


def count_most(times: list[float], window: float) -> int:
    """The largest number of times in any window of that many seconds."""
    return max(sum(start <= at < start + window - 1e-9 for at in times) for start in times)


@pytest.mark.parametrize(("bucket", "window", "limit"), [(PER_BOT, 1.0, 30), (PER_CHAT, 1.0, 1), (PER_GROUP, 60.0, 20)])
@pytest.mark.parametrize("late", [0.0, 0.004, 0.05])
def test_no_window_ever_holds_more_than_the_limit_FT19(bucket, window, limit, late) -> None:
    assert count_most(simulate(bucket, 200, late), window) <= limit


def test_a_thousand_messages_leave_nearly_as_soon_as_thirty_a_second_allow_G10() -> None:
    times = simulate(PER_BOT, 1000, late=0.004)
    assert times[-1] - times[0] <= 1.05 * 1000 / 30


def test_a_group_gets_its_twenty_messages_at_once_and_then_waits() -> None:
    times = simulate(PER_GROUP, 21)
    assert times[19] == times[0]
    assert times[20] == pytest.approx(times[0] + PER_GROUP.per_seconds)


@given(
    st.sampled_from([PER_BOT, PER_CHAT, PER_GROUP, Bucket("x", 3, 2.0, burst=2.5)]),
    st.lists(st.floats(-5, 5), max_size=60),
)
def test_whatever_the_clock_does_nobody_waits_longer_than_the_limit_demands_FS3(bucket, steps) -> None:
    now, state = 1000.0, ()
    for step in steps:
        now += step
        seconds = get_wait(bucket, state, now)
        assert 0 <= seconds <= bucket.per_seconds + bucket.burst * bucket.interval
        if not seconds:
            state = spend(bucket, state, now)
            assert len(state) <= max(1, bucket.rate)


BUCKETS = st.sampled_from([PER_BOT, PER_CHAT, PER_GROUP, Bucket("x", 3, 2.0, burst=2.5), Bucket("y", 1, 1.0, burst=1)])


@given(BUCKETS, st.lists(st.floats(-7200, 7200), min_size=1, max_size=20), st.floats(0, 5))
def test_whatever_stands_in_a_bucket_who_waits_as_told_may_send_XR1(
    bucket: Bucket, offsets: list[float], late: float
) -> None:
    now = 100_000.0
    state = tuple(sorted(now + o for o in offsets)) if bucket.shape == "window" else (now + offsets[0],)
    wait = get_wait(bucket, state, now)
    assert wait <= (bucket.per_seconds if bucket.shape == "window" else bucket.interval) + 1e-5
    assert get_wait(bucket, state, now + wait) == 0.0
    longest = bucket.per_seconds if bucket.shape == "window" else bucket.burst * bucket.interval
    assert get_wait(bucket, state, now + wait + late) <= (longest + 1e-5 if wait == 0 else 0.0), "late by a set clock"
    after = spend(bucket, state, now + wait)
    assert all(at <= now + wait + bucket.burst * bucket.interval + 1e-5 for at in after), "rewritten"


@given(BUCKETS, st.floats(0.5, 7200), st.integers(0, 40))
def test_a_clock_set_back_stops_nobody_and_starts_no_flood_XR1(bucket: Bucket, back: float, sent: int) -> None:
    now, state = 100_000.0, ()
    for _ in range(sent):
        now += get_wait(bucket, state, now)
        state = spend(bucket, state, now)
    now -= back
    began, times = now, []
    while len(times) < 2 * int(bucket.rate) + 2:
        if wait := get_wait(bucket, state, now):
            now += wait
            continue
        state = spend(bucket, state, now)
        times.append(now)
    assert times[0] - began <= max(bucket.per_seconds, bucket.interval) + 1e-5
    assert count_most(times, bucket.per_seconds) <= bucket.rate + bucket.burst + 1


def test_an_idle_bucket_may_be_forgotten() -> None:
    for bucket in (PER_BOT, PER_CHAT, PER_GROUP):
        state = spend(bucket, (), 0.0)
        assert not is_idle(bucket, state, 0.0)
        assert is_idle(bucket, state, 61.0)
    buckets = LocalBuckets(sweep_every=10)
    for n in range(10):
        buckets.spend((PER_CHAT.for_subject(str(n)),), n * 100.0)
    assert len(buckets) == 1


async def test_a_message_is_counted_in_all_its_buckets_or_in_none() -> None:
    seconds = [0.0]
    limiter = LocalRateLimiter(lambda: seconds[0])
    bot, one, two = PER_BOT.for_subject("b"), PER_CHAT.for_subject("1"), PER_CHAT.for_subject("2")
    assert await limiter.try_acquire((bot, one)) == 0.0
    seconds[0] = 0.1
    assert await limiter.try_acquire((bot, one)) == pytest.approx(0.94)
    # the refused message was not counted in the bucket of the bot
    assert await limiter.try_acquire((bot, two)) == 0.0


def drain(queue: RateLimitedQueue, now: float = 0.0) -> list[tuple[float, object]]:
    """Take everything as soon as it is allowed; each item with its time."""
    taken = []
    while True:
        item, seconds = queue.pop(now)
        if item is not None:
            taken.append((now, item))
        elif math.isinf(seconds):
            return taken
        else:
            assert seconds > 0
            now += seconds


def get_chat_buckets(address: str) -> tuple[Bucket, ...]:
    return (
        (PER_CHAT.for_subject(address), PER_GROUP.for_subject(address))
        if address.startswith("-")
        else (PER_CHAT.for_subject(address),)
    )


def test_an_urgent_message_goes_before_ten_thousand_others_FM6() -> None:
    queue: RateLimitedQueue[str] = RateLimitedQueue([PER_BOT], get_chat_buckets)
    for n in range(10_000):
        queue.put(f"bulk {n}", str(n % 500))
    queue.pop(0.0)
    queue.put("urgent", "900", urgent=True)
    now = 0.0
    while (taken := queue.pop(now))[0] != "urgent":
        now += taken[1]
    assert now <= 5.0


def test_within_a_chat_urgent_is_first_and_the_rest_keep_their_order() -> None:
    queue: RateLimitedQueue[str] = RateLimitedQueue([], get_chat_buckets)
    for item in ("a", "b", "c"):
        queue.put(item, CHAT)
    queue.put("u", CHAT, urgent=True)
    assert [item for _, item in drain(queue)] == ["u", "a", "b", "c"]
    assert len(queue) == 0


def test_a_chat_on_hold_waits_and_the_others_go_on_FT17() -> None:
    queue: RateLimitedQueue[str] = RateLimitedQueue([PER_BOT], get_chat_buckets)
    queue.put("held", "1")
    queue.put("free", "2")
    queue.hold("1", 3.0)
    assert [(round(at, 3), item) for at, item in drain(queue)] == [(0.0, "free"), (3.0, "held")]


def test_an_empty_queue_asks_for_no_further_look() -> None:
    assert RateLimitedQueue([PER_BOT], get_chat_buckets).pop(5.0) == (None, math.inf)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_sending_everything_takes_little_longer_than_the_limits_demand_G10(seed: int) -> None:
    rng = random.Random(seed)
    sizes = {str(n): rng.choice((1, 1, 2, 5, 20)) for n in range(rng.randint(1, 120))}
    sizes |= {f"-{n}": rng.randint(1, 40) for n in range(3)}
    queue: RateLimitedQueue[tuple[str, int]] = RateLimitedQueue([PER_BOT], get_chat_buckets)
    for address, size in sizes.items():
        for n in range(size):
            queue.put((address, n), address, urgent=rng.random() < 0.05)
    taken = drain(queue)
    assert sorted(item for _, item in taken) == sorted((a, n) for a, size in sizes.items() for n in range(size))
    times = [at for at, _ in taken]
    assert count_most(times, 1.0) <= 30
    for address in sizes:
        own = [at for at, item in taken if item[0] == address]
        assert all(b - a >= 1.0 for a, b in pairwise(own))
        if address.startswith("-"):
            assert count_most(own, 60.0) <= 20
    bound = max(
        sum(sizes.values()) * PER_BOT.interval,
        *((size - 1) * PER_CHAT.interval for size in sizes.values()),
        *(
            ((size - 1) // 20) * PER_GROUP.per_seconds + ((size - 1) % 20) * PER_CHAT.interval
            for address, size in sizes.items()
            if address.startswith("-")
        ),
    )
    assert times[-1] <= bound * 1.05 + 2 * PER_CHAT.per_seconds


def test_stale_heap_entries_are_dropped() -> None:
    queue: RateLimitedQueue[int] = RateLimitedQueue([], get_chat_buckets)
    for n in range(5000):
        queue.put(n, CHAT)
    queue.pop(0.0)
    queue.pop(0.0)
    # of 5,000 entries for one address, only the one that waits for its time is left
    assert (len(queue), len(queue._ready), len(queue._asleep)) == (4999, 0, 1)
