"""The inbox: an update is stored once, handled in order per chat by one worker, and never lost."""

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from notify.chat.telegram.updates import identify
from notify.chat_network import Unreadable
from storage.delivery.inbox import LEASE, MAX_ATTEMPTS, SqlInboxStore
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from tests.figures import SIZES, Figures, choose_size

NOW = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)


class FakeClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def open_inbox(database: Database, now: Callable[[], datetime]) -> SqlInboxStore:
    return SqlInboxStore(database, IdSupply(database), now, lambda _, body: identify(body))


@pytest.fixture
async def inbox(database: Database, clock: FakeClock) -> SqlInboxStore:
    database.lease_clock = LeaseClock(lambda: clock().timestamp())
    return open_inbox(database, clock)


def build_update(number: int, chat: int = 1, text: str = "x") -> bytes:
    return json.dumps({"update_id": number, "message": {"chat": {"id": chat}, "text": text}}).encode()


async def test_an_update_is_stored_once_however_often_it_comes_and_whoever_receives_it_FT1_FT2(
    inbox: SqlInboxStore, database: Database
) -> None:
    others = [open_inbox(database, lambda: NOW) for _ in range(3)]
    new = await asyncio.gather(*(store.receive("telegram", build_update(7)) for store in (inbox, *others)))
    assert sorted(one.is_new for one in new) == [False, False, False, True]
    assert (await inbox.receive("feishu", build_update(7))).is_new


async def test_a_chat_keeps_its_order_and_chats_do_not_wait_for_each_other_FT3(
    inbox: SqlInboxStore, clock: FakeClock
) -> None:
    for number, chat in ((1, 1), (2, 1), (3, 2), (4, 1)):
        await inbox.receive("telegram", build_update(number, chat))
        clock.at += timedelta(milliseconds=1)
    first = await inbox.claim("telegram", "a", 10)
    assert [item.external_id for item in first] == ["1", "3"]
    assert await inbox.claim("telegram", "b", 10) == []
    await inbox.mark_done([first[0].id])
    assert [item.external_id for item in await inbox.claim("telegram", "b", 10)] == ["2"]


async def test_several_workers_never_claim_the_same_update(inbox: SqlInboxStore, clock: FakeClock) -> None:
    for number in range(40):
        await inbox.receive("telegram", build_update(number, chat=number % 8))
        clock.at += timedelta(milliseconds=1)
    handled: list[str] = []

    async def work(owner: str) -> None:
        while True:
            claimed = await inbox.claim("telegram", owner, 3)
            if not claimed:
                return
            for item in claimed:
                handled.append(item.external_id)
                await inbox.mark_done([item.id])

    while len(handled) < 40:
        await asyncio.gather(*(work(name) for name in "abcd"))
    assert sorted(map(int, handled)) == list(range(40))
    for chat in range(8):
        events = [int(event) for event in handled if int(event) % 8 == chat]
        assert events == sorted(events)


async def test_an_update_claimed_by_a_dead_worker_is_claimed_again_FT9(inbox: SqlInboxStore, clock: FakeClock) -> None:
    await inbox.receive("telegram", build_update(1))
    assert await inbox.claim("telegram", "dies", 1)
    clock.at += LEASE / 2
    assert not await inbox.claim("telegram", "b", 1)
    clock.at += LEASE
    again = await inbox.claim("telegram", "b", 1)
    assert [item.attempts for item in again] == [2]


async def test_a_failing_update_waits_longer_each_time_and_is_given_up_in_the_end_FT8(
    inbox: SqlInboxStore, clock: FakeClock
) -> None:
    await inbox.receive("telegram", build_update(1))
    tried_at, dead = [], False
    while not dead:
        claimed = await inbox.claim("telegram", "a", 1)
        if not claimed:
            clock.at += timedelta(seconds=1)
            continue
        tried_at.append(clock.at)
        dead = await inbox.record_failure(claimed[0].id, "RuntimeError: \0 an accident")
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(tried_at)]
    assert len(tried_at) == MAX_ATTEMPTS and gaps == sorted(gaps) and gaps[0] == 1
    clock.at += timedelta(days=1)
    assert await inbox.claim("telegram", "a", 1) == []


async def test_an_update_that_keeps_failing_does_not_hold_up_the_rest_of_its_chat(
    inbox: SqlInboxStore, clock: FakeClock
) -> None:
    await inbox.receive("telegram", build_update(1))
    clock.at += timedelta(milliseconds=1)
    await inbox.receive("telegram", build_update(2))
    for _ in range(3):
        clock.at += timedelta(minutes=5)
        (failing,) = await inbox.claim("telegram", "a", 5)
        assert failing.external_id == "1"
        await inbox.record_failure(failing.id, "no")
    assert [item.external_id for item in await inbox.claim("telegram", "a", 5)] == ["2"]


async def test_an_update_that_kills_its_worker_every_time_is_given_up_FM7(
    inbox: SqlInboxStore, clock: FakeClock
) -> None:
    await inbox.receive("telegram", build_update(1))
    for _ in range(MAX_ATTEMPTS):
        assert await inbox.claim("telegram", "a", 1)
        clock.at += LEASE * 2
    assert await inbox.claim("telegram", "a", 1) == []
    clock.at += LEASE * 2
    assert await inbox.claim("telegram", "a", 1) == []


async def test_a_live_worker_keeps_what_it_has_claimed_and_a_killed_one_delays_nobody_long_G3(
    inbox: SqlInboxStore, clock: FakeClock
) -> None:
    await inbox.receive("telegram", build_update(1))
    await inbox.receive("telegram", build_update(2, chat=2))
    assert len(await inbox.claim("telegram", "living", 1)) == 1
    assert len(await inbox.claim("telegram", "killed", 1)) == 1
    clock.at += LEASE / 2
    await inbox.renew("living")
    clock.at += LEASE / 2
    claimed = await inbox.claim("telegram", "b", 10)
    assert [item.attempts for item in claimed] == [2], "only what the killed worker had claimed"
    assert timedelta(seconds=15) >= LEASE


@SIZES
async def test_updates_repeated_and_shuffled_amid_kills_have_one_effect_each_FT1_FT3_FM1_G3(
    inbox: SqlInboxStore, clock: FakeClock, size: str, figures: Figures
) -> None:
    count, kills = (choose_size(size, small=s, quick=q, full=f) for s, q, f in ((80, 1_000, 10_000), (5, 20, 100)))
    dice, effects = random.Random(3), Counter[int]()
    arriving = [number for number in range(1, count + 1) for _ in range(dice.randint(1, 3))]
    dice.shuffle(arriving)
    deaths = {turn * 4 for turn in range(kills)}  # of each four processes that claim, one dies before it is done
    turn = 0
    while True:
        batch, arriving = arriving[:20], arriving[20:]
        bodies = (build_update(number, chat=number % 50) for number in batch)
        await asyncio.gather(*(inbox.receive("telegram", body) for body in bodies))
        claimed = await inbox.claim("telegram", f"w{turn}", 20)
        if turn in deaths and claimed:
            clock.at += LEASE  # nobody renews it any more
        else:
            await inbox.mark_done([item.id for item in claimed])
            effects.update(json.loads(item.body)["update_id"] for item in claimed)
        if not claimed and not arriving and turn > max(deaths):
            break
        turn += 1
    twice = sum(times > 1 for times in effects.values())
    figures.report("G3", updates=count, kills=kills, lost=count - len(effects), twice=twice)


async def test_the_poll_lease_is_held_by_one_FT30(inbox: SqlInboxStore, clock: FakeClock) -> None:
    minute = timedelta(seconds=60)
    assert await inbox.acquire_lease("poll", "a", minute)
    assert not await inbox.acquire_lease("poll", "b", minute)
    assert await inbox.acquire_lease("poll", "a", minute)
    clock.at += minute
    assert await inbox.acquire_lease("poll", "b", minute)
    await inbox.release_lease("poll", "a")
    assert not await inbox.acquire_lease("poll", "a", minute)
    await inbox.release_lease("poll", "b")
    assert await inbox.acquire_lease("poll", "a", minute)


async def test_an_update_handled_long_ago_is_deleted(inbox: SqlInboxStore, clock: FakeClock) -> None:
    await inbox.receive("telegram", build_update(1))
    await inbox.receive("telegram", build_update(2, chat=2))
    claimed = await inbox.claim("telegram", "a", 1)
    await inbox.mark_done([claimed[0].id])
    assert await inbox.delete_done(clock.at - timedelta(days=2)) == 0
    assert await inbox.delete_done(clock.at + timedelta(days=2)) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"update_id": true}', b'{"update_id": -1}', b'{"update_id": 1, "x": NaN}',
     b'{"update_id": 1, "update_id": 2}', b'{"update_id": 1, "m": ' + b'{"a":' * 200 + b"1" + b"}" * 201,
     b'{"update_id": 99999999999999999999999}'],
)  # fmt: skip
def test_a_body_that_is_no_update_is_recognised_FT7(body: bytes) -> None:
    with pytest.raises(Unreadable):
        identify(body)


async def test_a_body_that_is_no_update_is_stored_and_never_handled_FT7(inbox: SqlInboxStore, clock: FakeClock) -> None:
    for unreadable in (b"\x00\xff", b"{", "“".encode("gbk"), b"[" * 5000):
        first = await inbox.receive("telegram", unreadable)
        again = await inbox.receive("telegram", unreadable)
        assert first.is_new and not again.is_new and first.id == again.id
    assert await inbox.claim("telegram", "a", 10) == []
