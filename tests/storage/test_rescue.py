"""What a dead process had in hand: whether it may have left decides what becomes of it, on both engines (XR5, XR7)."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from backend.domain.records import Message
from backend.ports.outbox import Ask, SendResult
from storage import tables as t
from storage.delivery.outbox import SqlOutboxStore
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
LEASE = timedelta(seconds=45)
CHAT = ["telegram"]
M = t.outbox.c


class TimedOutbox(SqlOutboxStore):
    """An outbox with a clock of leases that a test moves."""

    def __init__(self, db: Database) -> None:
        self.seconds = 1_000.0
        db.lease_clock = LeaseClock(lambda: self.seconds)
        super().__init__(db, IdSupply(db))
        self.db = db

    async def row(self, id: int = 1) -> dict[str, object]:
        names = ("state", "uncertain_sends", "asks", "deaths", "owner", "asked_at", "error")
        query = select(*(M[name] for name in names)).where(M.id == id)
        return dict((await self.db.fetch_rows(query))[0]._mapping)


@pytest.fixture
async def outbox(database: Database) -> TimedOutbox:
    outbox = TimedOutbox(database)
    await outbox.add([build_message(1)])
    return outbox


def build_message(number: int, **values: object) -> Message:
    given = {"kind": "ticket_dispatched", "channel": "telegram", "person": "P1", "ticket_id": 1, "assignment_id": 2,
             "ticket_version": 1, "urgent": False, "not_before": NOW, "created_at": NOW}  # fmt: skip
    return Message(id=number, **(given | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "doubts", "deaths", "may_repeat", "after", "ends"),
    [
        (False, 0, 0, True, ("pending", 0, 1), False),
        (False, 0, 1, True, ("pending", 0, 2), False),
        (False, 1, 0, True, ("pending", 1, 1), False),  # the marked copy did not leave: it still may, once
        (False, 0, 2, True, ("sending", 0, 2), True),  # it was alone: it is what kills
        (True, 0, 0, True, ("pending", 1, 0), False),
        (True, 0, 2, True, ("pending", 1, 2), False),
        (True, 1, 0, True, ("sending", 1, 0), True),  # a marked copy may be there: never a third
        (True, 0, 0, False, ("sending", 0, 0), True),  # a text message costs and cannot be marked (FW14)
        (False, 0, 0, False, ("pending", 0, 1), False),
    ],
)
async def test_the_table_of_what_may_have_left_XR5(
    outbox: TimedOutbox,
    asked: bool,
    doubts: int,
    deaths: int,
    may_repeat: bool,
    after: tuple[str, int, int],
    ends: bool,
) -> None:
    await outbox.db.execute(update(t.outbox).values(uncertain_sends=doubts, deaths=deaths))
    (mine,) = await outbox.claim("w1", CHAT, NOW, 1, LEASE, [1], alone=deaths >= 2)
    if asked:
        assert await outbox.settle([Ask(1, "w1", mine.message.attempts, NOW)]) == [True]
    outbox.seconds += 46
    found = await outbox.rescue(CHAT, NOW, may_repeat=may_repeat)
    row = await outbox.row()
    assert (row["state"], row["uncertain_sends"], row["deaths"]) == after
    assert [e.message.id for e in found.ending] == [1] * ends
    assert row["asks"] == int(asked), "only asks count as tries"
    if not ends:
        assert (row["owner"], row["asked_at"], row["error"]) == (None, None, "lease_expired")
    else:
        (lost,) = found.ending
        assert lost.is_asked is asked and lost.owner == "w1"


async def test_after_a_start_of_the_database_who_lives_has_a_whole_lease_to_renew_theirs_G5(database: Database) -> None:
    outbox = SqlOutboxStore(database, IdSupply(database))
    await outbox.add([build_message(1)])
    await outbox.claim("w1", CHAT, NOW, 1, -LEASE, [1])  # it ended while the database was away

    async def rescue(lease: timedelta) -> str:
        await outbox.rescue(CHAT, NOW, lease=lease)
        return str((await database.fetch_rows(select(M.state)))[0].state)

    is_server = database.dialect == "postgresql"  # an SQLite file is held by the one process that asks
    assert await rescue(timedelta(days=3650)) == ("sending" if is_server else "pending")
    assert await rescue(timedelta(microseconds=1)) == "pending"


async def test_an_ask_is_put_on_record_only_by_a_living_owner_of_this_attempt_XR5(outbox: TimedOutbox) -> None:
    (mine,) = await outbox.claim("w1", CHAT, NOW, 1, LEASE, [1])
    ask = Ask(1, "w1", mine.message.attempts, NOW)
    assert await outbox.settle([Ask(1, "w2", 1, NOW), Ask(1, "w1", 2, NOW)]) == [False, False]
    outbox.seconds += 46
    assert await outbox.settle([ask]) == [False], "a zombie sends nothing"
    assert await outbox.renew("w1", [1], LEASE) == {1}  # nobody has taken it yet
    assert await outbox.settle([ask]) == [True]
    assert await outbox.settle([ask]) == [False], "asked once"
    outbox.seconds += 46
    await outbox.rescue(CHAT, NOW)
    assert not await outbox.renew("w1", [1], LEASE)
    assert await outbox.settle([ask]) == [False]


async def test_the_claim_asks_for_what_it_is_told_to_but_never_for_a_doubtful_copy_XR5(outbox: TimedOutbox) -> None:
    await outbox.add([build_message(2), build_message(3)])
    await outbox.db.execute(update(t.outbox).where(M.id == 3).values(uncertain_sends=1))
    got = await outbox.claim("w1", CHAT, NOW, 9, LEASE, [1, 2, 3], ask=[1, 3])
    assert {c.message.id: (c.is_asked, c.asks) for c in got} == {1: (True, 1), 2: (False, 0), 3: (False, 0)}


async def test_an_ask_rides_with_the_result_before_it_and_a_provider_never_asked_is_no_try_XR5(
    outbox: TimedOutbox,
) -> None:
    await outbox.add([build_message(2)])
    await outbox.claim("w1", CHAT, NOW, 9, LEASE, [1, 2], ask=[1])
    quiet = SendResult(1, "w1", 1, "pending", NOW, not_before=NOW, error="quiet", was_asked=False)
    assert await outbox.settle([quiet, Ask(2, "w1", 1, NOW)]) == [True, True]
    assert (await outbox.row(1))["asks"] == 0 and (await outbox.row(2))["asks"] == 1


async def test_a_suspect_is_claimed_alone_or_not_at_all_FM7(outbox: TimedOutbox) -> None:
    await outbox.db.execute(update(t.outbox).values(deaths=2))
    assert [w.deaths for w in await outbox.list_waiting(CHAT, NOW, 9)] == [2]
    assert await outbox.claim("w1", CHAT, NOW, 9, LEASE, [1]) == []
    assert len(await outbox.claim("w1", CHAT, NOW, 9, LEASE, [1], alone=True)) == 1


async def test_a_lost_message_is_ended_once_with_its_stand_in_and_its_haste_XR7(outbox: TimedOutbox) -> None:
    later = NOW + timedelta(hours=4)
    await outbox.add([build_message(2, channel="phone", not_before=later)])
    await outbox.db.execute(update(t.outbox).where(M.id == 1).values(uncertain_sends=1))
    (mine,) = await outbox.claim("w1", CHAT, NOW, 1, LEASE, [1])
    await outbox.settle([Ask(1, "w1", mine.message.attempts, NOW)])
    end = SendResult(1, "w1", 1, "ambiguous", NOW, error="lease_expired", messages=(build_message(3, kind="contact_by_hand"),),
                     call_to_hasten=(2, NOW), is_rescue=True)  # fmt: skip
    assert await outbox.settle([end]) == [False], "its owner lives"
    outbox.seconds += 46
    assert await outbox.settle([end, end]) == [True, False]
    assert (await outbox.row())["state"] == "ambiguous" and await outbox.get(3) is not None
    assert [w.id for w in await outbox.list_waiting(["phone"], NOW, 9)] == [2]
    assert await outbox.rescue(CHAT, NOW) == await outbox.rescue(CHAT, NOW)
