"""The outbox: a message is claimed once, settled by its owner only, and freed when that worker goes silent."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backend.domain.records import Message
from backend.ports.chat import NewCard
from backend.ports.outbox import AuditNote, ClaimedMessage, Rescue, SendResult
from storage import tables as t
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
LEASE = timedelta(seconds=45)
CHAT = ["telegram"]


def build_message(number: int, **values: object) -> Message:
    default = {"kind": "ticket_dispatched", "channel": "telegram", "person": f"P{number % 5}", "ticket_id": 1, "assignment_id": 2,
               "ticket_version": 1, "urgent": False, "not_before": NOW, "created_at": NOW}  # fmt: skip
    return Message(id=number, **(default | values))  # type: ignore[arg-type]


@pytest.fixture
def seconds(database: Database) -> list[float]:
    """The seconds by which leases run; a test moves them."""
    now = [1_000.0]
    database.lease_clock = LeaseClock(lambda: now[0])
    return now


@pytest.fixture
async def outbox(database: Database, seconds: list[float]) -> SqlOutboxStore:
    return SqlOutboxStore(database, IdSupply(database))


def sent_result(claimed: ClaimedMessage, **more: object) -> SendResult:
    return SendResult(claimed.message.id, claimed.owner, claimed.message.attempts, "sent", NOW, provider_id="7",
                      address="c", **more)  # type: ignore[arg-type]  # fmt: skip


async def test_urgent_messages_come_first_then_the_oldest_and_none_before_its_time_FM6(
    outbox: SqlOutboxStore,
) -> None:
    await outbox.add([
        build_message(1, not_before=NOW - timedelta(minutes=1)), build_message(2), build_message(3, urgent=True),
        build_message(4, not_before=NOW + timedelta(seconds=1), urgent=True), build_message(5, channel="phone"),
    ])  # fmt: skip
    assert [message.id for message in await outbox.list_waiting(CHAT, NOW, 10)] == [3, 1, 2]
    assert [message.id for message in await outbox.list_waiting(CHAT, NOW, 10, urgent=True)] == [3]
    claimed = await outbox.claim("w1", CHAT, NOW, 2, LEASE)
    assert [c.message.id for c in claimed] == [3, 1]
    assert claimed[0].message.attempts == 1 and claimed[0].owner == "w1" and claimed[0].message.state == "sending"


async def test_a_message_is_claimed_by_one_worker_of_many_FM8(outbox: SqlOutboxStore) -> None:
    await outbox.add([build_message(n) for n in range(1, 301)])
    claims = await asyncio.gather(*(outbox.claim(f"w{n}", CHAT, NOW, 100, LEASE) for n in range(5)))
    ids = [c.message.id for claimed in claims for c in claimed]
    assert len(ids) == len(set(ids)) and len(ids) >= 200
    rest = await outbox.claim("w9", CHAT, NOW, 300, LEASE, ids=list(range(1, 301)))
    assert {c.message.id for c in rest} | set(ids) == set(range(1, 301))


async def test_only_the_owner_of_that_attempt_settles_a_message_and_the_others_of_the_batch_are_settled_FM4_FM15_FD21(
    outbox: SqlOutboxStore, database: Database
) -> None:
    await outbox.add([build_message(1), build_message(2)])
    first, second = await outbox.claim("w1", CHAT, NOW, 9, LEASE)
    late = SendResult(second.message.id, "w0", second.message.attempts, "sent", NOW, provider_id="9")
    card = NewCard("telegram", "c", "7", "P1", 1, 2, "ticket_dispatched", 1, NOW, {"text": "词"})
    wrong_attempt = SendResult(second.message.id, "w1", 2, "failed", NOW, messages=(build_message(77),), card=card)
    assert await outbox.settle([sent_result(first, card=card), late, wrong_attempt]) == [True, False, False]
    assert await outbox.settle([sent_result(first)]) == [False]  # twice is once
    assert await outbox.get(77) is None
    stored = await outbox.get(1)
    assert stored is not None and stored.message.state == "sent" and stored.provider_id == "7" and stored.sent_at == NOW
    cards = await database.read(lambda c: c.execute(select(t.chat_cards.c.message_id, t.chat_cards.c.facts)).all())
    assert [tuple(r) for r in cards] == [("7", '{"text":"词"}')]


async def test_the_fallback_of_a_failed_message_is_written_with_its_failure_or_not_at_all(
    outbox: SqlOutboxStore, database: Database
) -> None:
    await outbox.add([build_message(1)])
    assert len(await outbox.claim("w1", CHAT, NOW, 9, LEASE)) == 1
    fallback = build_message(2, kind="call_to_sign", channel="phone", fallback_of=1)
    note = AuditNote(NOW, "system", "unreached", "T1", {"why": "blocked"})
    failed = SendResult(1, "w1", 1, "failed", NOW, error="blocked", messages=(fallback,), notes=(note,))
    assert await outbox.settle([failed]) == [True]
    assert [d.message.fallback_of for d in await outbox.list_by_ticket(1)] == [None, 1]
    assert [d.message.id for d in await outbox.list_by_assignment(1, 2)] == [1, 2]
    assert await outbox.give_up(1, "again", [build_message(3)], []) is False
    assert await outbox.give_up(2, "no_answer", [build_message(3)], [note]) is True
    assert await outbox.give_up(2, "no_answer", [build_message(4)], []) is False
    events = await database.read(lambda c: [r[0] for r in c.execute(select(t.audit_log.c.event))])
    assert events == ["unreached", "unreached"]


async def test_what_a_silent_worker_had_not_asked_for_waits_again_without_doubt_FM1_XR5(
    outbox: SqlOutboxStore, seconds: list[float]
) -> None:
    await outbox.add([build_message(1), build_message(2, channel="phone")])
    await outbox.claim("w1", CHAT, NOW, 9, LEASE)
    await outbox.claim("w1", ["phone"], NOW, 9, LEASE)
    seconds[0] += 44
    assert await outbox.rescue(CHAT, NOW) == Rescue(owners=1)
    assert await outbox.list_waiting(CHAT, NOW, 9) == []
    seconds[0] += 2
    assert await outbox.rescue(CHAT, NOW) == Rescue()
    (again,) = await outbox.claim("w2", CHAT, NOW, 9, LEASE)
    assert (again.uncertain_sends, again.asks, again.deaths, again.message.attempts) == (0, 0, 1, 2)
    assert await outbox.list_waiting(["phone"], NOW, 9) == []  # calls are never repeated without asking (FW14)


async def test_a_lease_is_renewed_only_by_its_owner_FM5(outbox: SqlOutboxStore, seconds: list[float]) -> None:
    await outbox.add([build_message(1), build_message(2)])
    await outbox.claim("w1", CHAT, NOW, 9, LEASE)
    seconds[0] += 40
    assert await outbox.renew("w1", [1, 2, 3], LEASE) == {1, 2} and not await outbox.renew("w2", [1, 2], LEASE)
    seconds[0] += 40
    assert await outbox.rescue(CHAT, NOW) == Rescue(owners=1)
    seconds[0] += 6
    await outbox.rescue(CHAT, NOW)
    assert not await outbox.renew("w1", [1, 2], LEASE)


async def test_the_messages_of_one_person_can_be_postponed_and_a_call_brought_forward_FT17(
    outbox: SqlOutboxStore,
) -> None:
    until = NOW + timedelta(seconds=3)
    await outbox.add(
        [build_message(1), build_message(2), build_message(3, channel="phone", not_before=NOW + timedelta(hours=4))]
    )
    await outbox.postpone("telegram", ["P1"], until, ())
    assert [message.id for message in await outbox.list_waiting(CHAT, NOW, 9)] == [2]
    assert len(await outbox.list_waiting(CHAT, until, 9)) == 2
    assert await outbox.bring_forward(3, NOW) is True
    assert [message.id for message in await outbox.list_waiting(["phone"], NOW, 9)] == [3]
    await outbox.claim("w1", ["phone"], NOW, 9, LEASE)
    assert await outbox.bring_forward(3, NOW) is False
