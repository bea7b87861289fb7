"""The shelf of messages on both engines: found when answered, stale when the ticket moves, claimed by one."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select, update

from backend.ports.cards import NewCard
from storage import tables as t
from storage.delivery.cards import SqlCardStore
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.lease_clock import LeaseClock
from storage.office.config import read_epoch
from tests.time_and_chance import CHANCE

NOW = datetime(2026, 11, 10, 1, 30, tzinfo=UTC)
LEASE = timedelta(seconds=45)
CARD = NewCard("telegram", "42", "7", "H1", 1, 2, "M1", 3, NOW, {"text": "x"})
VAULT = Encryption("a secret of at least sixteen", CHANCE)


async def shelf(database: Database, version: int = 3) -> SqlCardStore:
    sealed = VAULT.seal("tickets", 1, "name", "欧阳小明")

    def ticket(c) -> None:  # type: ignore[no-untyped-def]
        c.execute(insert(t.tickets).values(
            id=1, no="T1", version=version, head="", state="dispatched", grade="general", channel="phone", region="",
            generated_at=0, flags="", title="", place="", text="", created_at=0, extra="{}", name_sealed=sealed))  # fmt: skip

    await database.write(ticket)
    return SqlCardStore(database, IdSupply(database), VAULT)


async def redraw(database: Database, version: int) -> None:
    query = update(t.cards).where(t.cards.c.assignment_id == 2, t.cards.c.state == "live")
    await database.write(lambda c: c.execute(query.values(wanted=version)) and None)


async def test_a_message_is_found_by_what_the_chat_calls_it_and_recorded_once(database: Database) -> None:
    cards = await shelf(database)
    await cards.record([CARD])
    await cards.record([CARD])
    found = await cards.find("telegram", "42", "7")
    assert found is not None and (found.assignment_id, found.kind, found.shown, found.wanted) == (
        2,
        "M1",
        3,
        3,
    )
    assert await cards.find("telegram", "43", "7") is None
    assert [c.message_id for c in await cards.list_by_assignment(2)] == ["7"]
    assert await cards.get_requester_name(1) == "欧阳小明" and await cards.get_requester_name(9) is None


async def test_a_newer_reminder_of_the_same_kind_makes_the_earlier_one_stale(database: Database) -> None:
    cards = await shelf(database)
    first = replace(CARD, kind="M3", replaces=True)
    await cards.record([first, replace(first, message_id="8", person="H2"), replace(first, message_id="9", kind="M4")])
    await cards.record([replace(first, message_id="10")])
    assert [c.message_id for c in await cards.list_stale(["telegram"], NOW, 9)] == ["7"]
    (claimed,) = await cards.claim("w", [c.id for c in await cards.list_stale(["telegram"], NOW, 9)], LEASE)
    assert await cards.mark_shown(claimed.id, "w", 3)
    assert await cards.list_stale(["telegram"], NOW, 9) == []


async def test_a_card_whose_ticket_moved_while_it_was_being_sent_is_stale_at_once(database: Database) -> None:
    cards = await shelf(database, version=4)
    await cards.record([CARD])
    assert [c.wanted for c in await cards.list_stale(["telegram"], NOW, 9)] == [4]


async def test_a_stale_card_is_claimed_by_one_drawn_and_rests_until_the_next_move(database: Database) -> None:
    cards = await shelf(database)
    await cards.record([CARD])
    assert await cards.list_stale(["telegram"], NOW, 9) == []
    await redraw(database, 4)
    (stale,) = await cards.list_stale(["telegram"], NOW, 9)
    piles = await asyncio.gather(*(cards.claim(f"w{n}", [stale.id], LEASE) for n in range(4)))
    holders = [n for n, pile in enumerate(piles) if pile]
    assert len(holders) == 1
    assert await cards.list_stale(["telegram"], NOW, 9) == []
    await redraw(database, 5)  # it moved again while it was being drawn
    assert await cards.mark_shown(stale.id, "w9", 4) is False
    assert await cards.mark_shown(stale.id, f"w{holders[0]}", 4) is True
    (again,) = await cards.list_stale(["telegram"], NOW, 9)
    assert again.wanted == 5 and again.shown == 4


async def test_a_silent_drawers_card_is_free_again_and_a_postponed_one_waits(database: Database) -> None:
    seconds = [1_000.0]
    database.lease_clock = LeaseClock(lambda: seconds[0])
    cards = await shelf(database)
    await cards.record([CARD])
    await redraw(database, 4)
    (stale,) = await cards.list_stale(["telegram"], NOW, 9)
    await cards.claim("w1", [stale.id], LEASE)
    seconds[0] += 40
    await cards.renew("w0", [stale.id], LEASE)
    await cards.renew("w1", [stale.id], LEASE)
    seconds[0] += 40
    assert await cards.list_stale(["telegram"], NOW, 9) == []
    seconds[0] += 6
    assert len(await cards.list_stale(["telegram"], NOW, 9)) == 1
    assert len(await cards.claim("w2", [stale.id], LEASE)) == 1
    assert await cards.postpone(stale.id, "w2", NOW + timedelta(minutes=1)) is True
    assert await cards.list_stale(["telegram"], NOW, 9) == []
    assert len(await cards.list_stale(["telegram"], NOW + timedelta(minutes=2), 9)) == 1
    await cards.mark_gone(stale.id)
    assert await cards.list_stale(["telegram"], NOW + timedelta(minutes=2), 9) == []


async def test_a_moved_chat_takes_its_bindings_along_and_everybody_reads_them_again_FT21(
    database: Database,
) -> None:
    cards = await shelf(database)
    await cards.record([CARD])

    def bind(c) -> None:  # type: ignore[no-untyped-def]
        c.execute(insert(t.bindings).values(id=5, person="H1", channel="telegram", address="42", user_id="u", state="live",
                                            bound_at=0))  # fmt: skip

    await database.write(bind)
    before = await database.read(read_epoch)
    await cards.replace_address("telegram", "42", "-100")
    assert await database.read(lambda c: c.execute(select(t.bindings.c.address)).scalar()) == "-100"
    assert await database.read(read_epoch) == before + 1
    assert await cards.list_by_assignment(2) == []
