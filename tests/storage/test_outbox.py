"""The letters' shelf on both engines: claimed once, settled only by who holds them, rescued when their holder is silent."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backend.domain.records import Message
from backend.ports.cards import NewCard
from backend.ports.outbox import AuditNote, Rescue, SendResult
from storage import tables as t
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
LEASE = timedelta(seconds=45)
CHAT = ["telegram"]


def letter(number: int, **values: object) -> Message:
    given = {"kind": "M1", "channel": "telegram", "person": f"P{number % 5}", "ticket_id": 1, "assignment_id": 2,
             "version": 1, "urgent": False, "not_before": NOW, "created_at": NOW}  # fmt: skip
    return Message(id=number, **(given | values))  # type: ignore[arg-type]


@pytest.fixture
def seconds(database: Database) -> list[float]:
    """The seconds by which leases run; a test moves them."""
    now = [1_000.0]
    database.lease_clock = LeaseClock(lambda: now[0])
    return now


@pytest.fixture
async def letters(database: Database, seconds: list[float]) -> SqlOutboxStore:
    return SqlOutboxStore(database, IdSupply(database))


def sent(claimed, **more: object) -> SendResult:  # type: ignore[no-untyped-def]
    return SendResult(claimed.message.id, claimed.owner, claimed.message.attempts, "sent", NOW, provider_id="7",
                      address="c", **more)  # type: ignore[arg-type]  # fmt: skip


async def test_urgent_letters_come_first_then_the_oldest_and_nothing_before_its_time_FM6(
    letters: SqlOutboxStore,
) -> None:
    await letters.add([
        letter(1, not_before=NOW - timedelta(minutes=1)), letter(2), letter(3, urgent=True),
        letter(4, not_before=NOW + timedelta(seconds=1), urgent=True), letter(5, channel="phone"),
    ])  # fmt: skip
    assert [w.id for w in await letters.list_waiting(CHAT, NOW, 10)] == [3, 1, 2]
    assert [w.id for w in await letters.list_waiting(CHAT, NOW, 10, urgent=True)] == [3]
    got = await letters.claim("w1", CHAT, NOW, 2, LEASE)
    assert [c.message.id for c in got] == [3, 1]
    assert got[0].message.attempts == 1 and got[0].owner == "w1" and got[0].message.state == "sending"


async def test_a_letter_is_claimed_by_one_of_many_FM8(letters: SqlOutboxStore) -> None:
    await letters.add([letter(n) for n in range(1, 301)])
    piles = await asyncio.gather(*(letters.claim(f"w{n}", CHAT, NOW, 100, LEASE) for n in range(5)))
    ids = [c.message.id for pile in piles for c in pile]
    assert len(ids) == len(set(ids)) and len(ids) >= 200
    rest = await letters.claim("w9", CHAT, NOW, 300, LEASE, ids=list(range(1, 301)))
    assert {c.message.id for c in rest} | set(ids) == set(range(1, 301))


async def test_only_id_owner_and_attempt_together_may_settle_and_others_in_the_batch_stand_FM4_FM15(
    letters: SqlOutboxStore, database: Database
) -> None:
    await letters.add([letter(1), letter(2)])
    one, two = await letters.claim("w1", CHAT, NOW, 9, LEASE)
    zombie = SendResult(two.message.id, "w0", two.message.attempts, "sent", NOW, provider_id="9")
    card = NewCard("telegram", "c", "7", "P1", 1, 2, "M1", 1, NOW, {"text": "词"})
    ghost = SendResult(two.message.id, "w1", 2, "failed", NOW, messages=(letter(77),), card=card)
    assert await letters.settle([sent(one, card=card), zombie, ghost]) == [True, False, False]
    assert await letters.settle([sent(one)]) == [False]  # twice is once
    assert await letters.get(77) is None
    stored = await letters.get(1)
    assert stored is not None and stored.message.state == "sent" and stored.provider_id == "7" and stored.sent_at == NOW
    cards = await database.read(lambda c: c.execute(select(t.cards.c.message_id, t.cards.c.facts)).all())
    assert [tuple(r) for r in cards] == [("7", '{"text":"词"}')]


async def test_what_stands_in_for_a_failed_letter_is_written_with_its_failure_or_not_at_all(
    letters: SqlOutboxStore, database: Database
) -> None:
    await letters.add([letter(1)])
    assert len(await letters.claim("w1", CHAT, NOW, 9, LEASE)) == 1
    instead = letter(2, kind="P1", channel="phone", cause_id=1)
    note = AuditNote(NOW, "system", "unreached", "T1", {"why": "blocked"})
    end = SendResult(1, "w1", 1, "failed", NOW, error="blocked", messages=(instead,), notes=(note,))
    assert await letters.settle([end]) == [True]
    assert [d.message.cause_id for d in await letters.list_by_ticket(1)] == [None, 1]
    assert [d.message.id for d in await letters.list_by_assignment(1, 2)] == [1, 2]
    assert await letters.give_up(1, "again", [letter(3)], []) is False
    assert await letters.give_up(2, "no_answer", [letter(3)], [note]) is True
    assert await letters.give_up(2, "no_answer", [letter(4)], []) is False
    what = await database.read(lambda c: [r[0] for r in c.execute(select(t.audit.c.what))])
    assert what == ["unreached", "unreached"]


async def test_what_a_silent_holder_had_not_asked_for_waits_again_without_doubt_FM1_XR5(
    letters: SqlOutboxStore, seconds: list[float]
) -> None:
    await letters.add([letter(1), letter(2, channel="phone")])
    await letters.claim("w1", CHAT, NOW, 9, LEASE)
    await letters.claim("w1", ["phone"], NOW, 9, LEASE)
    seconds[0] += 44
    assert await letters.rescue(CHAT, NOW) == Rescue(owners=1)
    assert await letters.list_waiting(CHAT, NOW, 9) == []
    seconds[0] += 2
    assert await letters.rescue(CHAT, NOW) == Rescue()
    (again,) = await letters.claim("w2", CHAT, NOW, 9, LEASE)
    assert (again.uncertain_sends, again.asks, again.deaths, again.message.attempts) == (0, 0, 1, 2)
    assert await letters.list_waiting(["phone"], NOW, 9) == []  # calls are never repeated without asking (FW14)


async def test_a_lease_is_renewed_only_by_its_holder_FM5(letters: SqlOutboxStore, seconds: list[float]) -> None:
    await letters.add([letter(1), letter(2)])
    await letters.claim("w1", CHAT, NOW, 9, LEASE)
    seconds[0] += 40
    assert await letters.renew("w1", [1, 2, 3], LEASE) == {1, 2} and not await letters.renew("w2", [1, 2], LEASE)
    seconds[0] += 40
    assert await letters.rescue(CHAT, NOW) == Rescue(owners=1)
    seconds[0] += 6
    await letters.rescue(CHAT, NOW)
    assert not await letters.renew("w1", [1, 2], LEASE)


async def test_a_hold_stops_one_persons_letters_and_a_call_can_be_brought_forward_FT17(
    letters: SqlOutboxStore,
) -> None:
    until = NOW + timedelta(seconds=3)
    await letters.add([letter(1), letter(2), letter(3, channel="phone", not_before=NOW + timedelta(hours=4))])
    await letters.postpone("telegram", ["P1"], until, ())
    assert [w.id for w in await letters.list_waiting(CHAT, NOW, 9)] == [2]
    assert len(await letters.list_waiting(CHAT, until, 9)) == 2
    assert await letters.bring_forward(3, NOW) is True
    assert [w.id for w in await letters.list_waiting(["phone"], NOW, 9)] == [3]
    await letters.claim("w1", ["phone"], NOW, 9, LEASE)
    assert await letters.bring_forward(3, NOW) is False
