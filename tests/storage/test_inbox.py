"""What was heard is kept once, handled in order per chat, by whoever has it in hand, and never lost."""

import asyncio
import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest

from storage.delivery.inbox import LEASE, MAX_ATTEMPTS, SqlInboxStore, Unreadable, parse_update
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock

NOW = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)


class Wall:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def inbox(database: Database, wall: Wall) -> SqlInboxStore:
    database.lease_clock = LeaseClock(lambda: wall().timestamp())
    return SqlInboxStore(database, IdSupply(database), wall)


def body(number: int, chat: int = 1, text: str = "x") -> bytes:
    return json.dumps({"update_id": number, "message": {"chat": {"id": chat}, "text": text}}).encode()


async def test_an_update_is_kept_once_however_often_and_from_wherever_it_comes_FT1_FT2(
    inbox: SqlInboxStore, database: Database
) -> None:
    others = [SqlInboxStore(database, IdSupply(database), lambda: NOW) for _ in range(3)]
    heard = await asyncio.gather(*(store.receive("telegram", body(7)) for store in (inbox, *others)))
    assert sorted(heard) == [False, False, False, True]
    assert await inbox.receive("feishu", body(7))


async def test_a_chat_keeps_its_order_and_chats_do_not_wait_for_each_other_FT3(
    inbox: SqlInboxStore, wall: Wall
) -> None:
    for number, chat in ((1, 1), (2, 1), (3, 2), (4, 1)):
        await inbox.receive("telegram", body(number, chat))
        wall.at += timedelta(milliseconds=1)
    first = await inbox.claim("telegram", "a", 10)
    assert [h.event for h in first] == ["1", "3"]
    assert await inbox.claim("telegram", "b", 10) == []
    await inbox.mark_done([first[0].id])
    assert [h.event for h in await inbox.claim("telegram", "b", 10)] == ["2"]


async def test_several_workers_never_have_the_same_update_in_hand(inbox: SqlInboxStore, wall: Wall) -> None:
    for number in range(40):
        await inbox.receive("telegram", body(number, chat=number % 8))
        wall.at += timedelta(milliseconds=1)
    seen: list[str] = []

    async def work(owner: str) -> None:
        while True:
            mine = await inbox.claim("telegram", owner, 3)
            if not mine:
                return
            for heard in mine:
                seen.append(heard.event)
                await inbox.mark_done([heard.id])

    while len(seen) < 40:
        await asyncio.gather(*(work(name) for name in "abcd"))
    assert sorted(map(int, seen)) == list(range(40))
    for chat in range(8):
        mine = [int(e) for e in seen if int(e) % 8 == chat]
        assert mine == sorted(mine)


async def test_what_a_dead_worker_had_in_hand_is_taken_up_again_FT9(inbox: SqlInboxStore, wall: Wall) -> None:
    await inbox.receive("telegram", body(1))
    assert await inbox.claim("telegram", "dies", 1)
    wall.at += LEASE / 2
    assert not await inbox.claim("telegram", "b", 1)
    wall.at += LEASE
    again = await inbox.claim("telegram", "b", 1)
    assert [h.attempts for h in again] == [2]


async def test_a_failing_update_waits_longer_each_time_and_ends_as_a_dead_letter_FT8(
    inbox: SqlInboxStore, wall: Wall
) -> None:
    await inbox.receive("telegram", body(1))
    waits, dead = [], False
    while not dead:
        claimed = await inbox.claim("telegram", "a", 1)
        if not claimed:
            wall.at += timedelta(seconds=1)
            continue
        waits.append(wall.at)
        dead = await inbox.record_failure(claimed[0].id, "RuntimeError: \0 an accident")
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(waits)]
    assert len(waits) == MAX_ATTEMPTS and gaps == sorted(gaps) and gaps[0] == 1
    wall.at += timedelta(days=1)
    assert await inbox.claim("telegram", "a", 1) == []


async def test_an_update_that_keeps_failing_steps_aside_for_the_rest_of_its_chat(
    inbox: SqlInboxStore, wall: Wall
) -> None:
    await inbox.receive("telegram", body(1))
    wall.at += timedelta(milliseconds=1)
    await inbox.receive("telegram", body(2))
    for _ in range(3):
        wall.at += timedelta(minutes=5)
        (bad,) = await inbox.claim("telegram", "a", 5)
        assert bad.event == "1"
        await inbox.record_failure(bad.id, "no")
    assert [h.event for h in await inbox.claim("telegram", "a", 5)] == ["2"]


async def test_one_that_kills_its_worker_every_time_is_given_up_FM7(inbox: SqlInboxStore, wall: Wall) -> None:
    await inbox.receive("telegram", body(1))
    for _ in range(MAX_ATTEMPTS):
        assert await inbox.claim("telegram", "a", 1)
        wall.at += LEASE * 2
    assert await inbox.claim("telegram", "a", 1) == []
    wall.at += LEASE * 2
    assert await inbox.claim("telegram", "a", 1) == []


async def test_who_lives_keeps_what_he_has_in_hand_and_a_killed_one_keeps_nobody_waiting_G3(
    inbox: SqlInboxStore, wall: Wall
) -> None:
    await inbox.receive("telegram", body(1))
    await inbox.receive("telegram", body(2, chat=2))
    assert len(await inbox.claim("telegram", "living", 1)) == 1
    assert len(await inbox.claim("telegram", "killed", 1)) == 1
    wall.at += LEASE / 2
    await inbox.renew("living")
    wall.at += LEASE / 2
    taken = await inbox.claim("telegram", "b", 10)
    assert [h.attempts for h in taken] == [2], "only what the killed one held"
    assert timedelta(seconds=15) >= LEASE


async def test_the_poll_lease_is_held_by_one_FT30(inbox: SqlInboxStore, wall: Wall) -> None:
    minute = timedelta(seconds=60)
    assert await inbox.acquire_lease("poll", "a", minute)
    assert not await inbox.acquire_lease("poll", "b", minute)
    assert await inbox.acquire_lease("poll", "a", minute)
    wall.at += minute
    assert await inbox.acquire_lease("poll", "b", minute)
    await inbox.release_lease("poll", "a")
    assert not await inbox.acquire_lease("poll", "a", minute)
    await inbox.release_lease("poll", "b")
    assert await inbox.acquire_lease("poll", "a", minute)


async def test_what_was_done_long_ago_is_forgotten(inbox: SqlInboxStore, wall: Wall) -> None:
    await inbox.receive("telegram", body(1))
    await inbox.receive("telegram", body(2, chat=2))
    claimed = await inbox.claim("telegram", "a", 1)
    await inbox.mark_done([claimed[0].id])
    assert await inbox.delete_done(wall.at - timedelta(days=2)) == 0
    assert await inbox.delete_done(wall.at + timedelta(days=2)) == 1


@pytest.mark.parametrize(
    "junk",
    [b"", b"{", b"[]", b"{}", b'{"update_id": true}', b'{"update_id": -1}', b'{"update_id": 1, "x": NaN}',
     b'{"update_id": 1, "update_id": 2}', b'{"update_id": 1, "m": ' + b'{"a":' * 200 + b"1" + b"}" * 201,
     b'{"update_id": 99999999999999999999999}'],
)  # fmt: skip
def test_nonsense_is_seen_for_what_it_is_FT7(junk: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_update(junk)


async def test_nonsense_is_kept_and_not_tried_FT7(inbox: SqlInboxStore, wall: Wall) -> None:
    for junk in (b"\x00\xff", b"{", "“".encode("gbk"), b"[" * 5000):
        assert await inbox.receive("telegram", junk)
        assert not await inbox.receive("telegram", junk)
    assert await inbox.claim("telegram", "a", 10) == []
