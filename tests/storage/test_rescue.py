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
L = t.letters.c


class Shelf(SqlOutboxStore):
    """An outbox with one letter and a clock of leases that a test moves."""

    def __init__(self, db: Database) -> None:
        self.seconds = 1_000.0
        db.lease_clock = LeaseClock(lambda: self.seconds)
        super().__init__(db, IdSupply(db))
        self.db = db

    async def row(self, id: int = 1) -> dict[str, object]:
        names = ("state", "doubts", "asks", "deaths", "owner", "asked_at", "error")
        query = select(*(L[name] for name in names)).where(L.id == id)
        return dict((await self.db.fetch_rows(query))[0]._mapping)


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    shelf = Shelf(database)
    await shelf.add([letter(1)])
    return shelf


def letter(number: int, **values: object) -> Message:
    given = {"kind": "M1", "channel": "telegram", "person": "P1", "ticket_id": 1, "assignment_id": 2,
             "version": 1, "urgent": False, "not_before": NOW, "created_at": NOW}  # fmt: skip
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
    shelf: Shelf, asked: bool, doubts: int, deaths: int, may_repeat: bool, after: tuple[str, int, int], ends: bool
) -> None:
    await shelf.db.execute(update(t.letters).values(doubts=doubts, deaths=deaths))
    (mine,) = await shelf.claim("w1", CHAT, NOW, 1, LEASE, [1], alone=deaths >= 2)
    if asked:
        assert await shelf.settle([Ask(1, "w1", mine.message.attempts, NOW)]) == [True]
    shelf.seconds += 46
    found = await shelf.rescue(CHAT, NOW, may_repeat=may_repeat)
    row = await shelf.row()
    assert (row["state"], row["doubts"], row["deaths"]) == after
    assert [e.message.id for e in found.ending] == [1] * ends
    assert row["asks"] == int(asked), "only asks count as tries"
    if not ends:
        assert (row["owner"], row["asked_at"], row["error"]) == (None, None, "lease_expired")
    else:
        (lost,) = found.ending
        assert lost.is_asked is asked and lost.owner == "w1"


async def test_an_ask_is_put_on_record_only_by_a_living_holder_of_this_attempt_XR5(shelf: Shelf) -> None:
    (mine,) = await shelf.claim("w1", CHAT, NOW, 1, LEASE, [1])
    ask = Ask(1, "w1", mine.message.attempts, NOW)
    assert await shelf.settle([Ask(1, "w2", 1, NOW), Ask(1, "w1", 2, NOW)]) == [False, False]
    shelf.seconds += 46
    assert await shelf.settle([ask]) == [False], "a zombie sends nothing"
    assert await shelf.renew("w1", [1], LEASE) == {1}  # nobody has taken it yet
    assert await shelf.settle([ask]) == [True]
    assert await shelf.settle([ask]) == [False], "asked once"
    shelf.seconds += 46
    await shelf.rescue(CHAT, NOW)
    assert not await shelf.renew("w1", [1], LEASE)
    assert await shelf.settle([ask]) == [False]


async def test_the_claim_asks_for_what_it_is_told_to_but_never_for_a_doubtful_copy_XR5(shelf: Shelf) -> None:
    await shelf.add([letter(2), letter(3)])
    await shelf.db.execute(update(t.letters).where(L.id == 3).values(doubts=1))
    got = await shelf.claim("w1", CHAT, NOW, 9, LEASE, [1, 2, 3], ask=[1, 3])
    assert {c.message.id: (c.is_asked, c.asks) for c in got} == {1: (True, 1), 2: (False, 0), 3: (False, 0)}


async def test_an_ask_rides_with_the_result_before_it_and_a_provider_never_asked_is_no_try_XR5(shelf: Shelf) -> None:
    await shelf.add([letter(2)])
    await shelf.claim("w1", CHAT, NOW, 9, LEASE, [1, 2], ask=[1])
    quiet = SendResult(1, "w1", 1, "pending", NOW, not_before=NOW, error="quiet", was_asked=False)
    assert await shelf.settle([quiet, Ask(2, "w1", 1, NOW)]) == [True, True]
    assert (await shelf.row(1))["asks"] == 0 and (await shelf.row(2))["asks"] == 1


async def test_a_suspect_is_claimed_alone_or_not_at_all_FM7(shelf: Shelf) -> None:
    await shelf.db.execute(update(t.letters).values(deaths=2))
    assert [w.deaths for w in await shelf.list_waiting(CHAT, NOW, 9)] == [2]
    assert await shelf.claim("w1", CHAT, NOW, 9, LEASE, [1]) == []
    assert len(await shelf.claim("w1", CHAT, NOW, 9, LEASE, [1], alone=True)) == 1


async def test_a_lost_letter_is_ended_once_with_its_stand_in_and_its_haste_XR7(shelf: Shelf) -> None:
    later = NOW + timedelta(hours=4)
    await shelf.add([letter(2, channel="phone", not_before=later)])
    await shelf.db.execute(update(t.letters).where(L.id == 1).values(doubts=1))
    (mine,) = await shelf.claim("w1", CHAT, NOW, 1, LEASE, [1])
    await shelf.settle([Ask(1, "w1", mine.message.attempts, NOW)])
    end = SendResult(1, "w1", 1, "ambiguous", NOW, error="lease_expired", messages=(letter(3, kind="T1"),),
                     call_to_hasten=(2, NOW), is_rescue=True)  # fmt: skip
    assert await shelf.settle([end]) == [False], "its holder lives"
    shelf.seconds += 46
    assert await shelf.settle([end, end]) == [True, False]
    assert (await shelf.row())["state"] == "ambiguous" and await shelf.get(3) is not None
    assert [w.id for w in await shelf.list_waiting(["phone"], NOW, 9)] == [2]
    assert await shelf.rescue(CHAT, NOW) == await shelf.rescue(CHAT, NOW)
