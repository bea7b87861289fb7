"""Cards in the database: found when answered, stale when the ticket moves, claimed by one worker."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select, update

from backend.ports.chat import NewCard
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
CARD = NewCard("telegram", "42", "7", "H1", 1, 2, "ticket_dispatched", 3, NOW, {"text": "x"})
ENCRYPTION = Encryption("a secret of the tests", CHANCE)


async def open_store(database: Database, version: int = 3) -> SqlCardStore:
    """Write a ticket in this version; return the store of cards."""
    name = ENCRYPTION.seal("tickets", 1, "name", "欧阳小明")
    await database.execute(insert(t.tickets).values(
        id=1, ticket_no="T1", version=version, journal_head="", state="dispatched", grade="general", channel="phone", region="",
        generated_at=0, flags="", title="", place="", text="", created_at=0, extra="{}", name_sealed=name))  # fmt: skip
    return SqlCardStore(database, IdSupply(database), ENCRYPTION)


async def want_version(database: Database, version: int) -> None:
    """The ticket moves: its cards should show this version."""
    live = update(t.chat_cards).where(t.chat_cards.c.assignment_id == 2, t.chat_cards.c.state == "live")
    await database.execute(live.values(target_version=version))


async def test_a_card_is_found_by_the_message_id_of_its_chat_and_recorded_once(database: Database) -> None:
    cards = await open_store(database)
    await cards.record([CARD])
    await cards.record([CARD])
    found = await cards.find("telegram", "42", "7")
    assert found is not None
    assert (found.assignment_id, found.kind, found.shown_version, found.target_version) == (
        2,
        "ticket_dispatched",
        3,
        3,
    )
    assert await cards.find("telegram", "43", "7") is None
    assert [c.message_id for c in await cards.list_by_assignment(2)] == ["7"]
    assert await cards.get_requester_name(1) == "欧阳小明" and await cards.get_requester_name(9) is None


async def test_a_newer_reminder_of_the_same_kind_makes_the_earlier_one_stale(database: Database) -> None:
    cards = await open_store(database)
    first = replace(CARD, kind="sign_reminder", replaces=True)
    await cards.record(
        [first, replace(first, message_id="8", person="H2"), replace(first, message_id="9", kind="close_reminder")]
    )
    await cards.record([replace(first, message_id="10")])
    assert [c.message_id for c in await cards.list_stale(["telegram"], NOW, 9)] == ["7"]
    (claimed,) = await cards.claim("w", [c.id for c in await cards.list_stale(["telegram"], NOW, 9)], LEASE)
    assert await cards.mark_shown(claimed.id, "w", 3)
    assert await cards.list_stale(["telegram"], NOW, 9) == []


async def test_a_card_whose_ticket_moved_while_it_was_being_sent_is_stale_at_once(database: Database) -> None:
    cards = await open_store(database, version=4)
    await cards.record([CARD])
    assert [c.target_version for c in await cards.list_stale(["telegram"], NOW, 9)] == [4]


async def test_a_stale_card_is_claimed_by_one_worker_and_is_stale_again_after_the_next_move(database: Database) -> None:
    cards = await open_store(database)
    await cards.record([CARD])
    assert await cards.list_stale(["telegram"], NOW, 9) == []
    await want_version(database, 4)
    (stale,) = await cards.list_stale(["telegram"], NOW, 9)
    claims = await asyncio.gather(*(cards.claim(f"w{n}", [stale.id], LEASE) for n in range(4)))
    owners = [f"w{n}" for n, claimed in enumerate(claims) if claimed]
    assert len(owners) == 1
    assert await cards.list_stale(["telegram"], NOW, 9) == []
    await want_version(database, 5)  # it moved again while the card was being updated
    assert await cards.mark_shown(stale.id, "w9", 4) is False
    assert await cards.mark_shown(stale.id, owners[0], 4) is True
    (again,) = await cards.list_stale(["telegram"], NOW, 9)
    assert again.target_version == 5 and again.shown_version == 4


async def test_a_card_is_free_again_when_its_worker_went_silent_and_a_postponed_one_waits(database: Database) -> None:
    seconds = [1_000.0]
    database.lease_clock = LeaseClock(lambda: seconds[0])
    cards = await open_store(database)
    await cards.record([CARD])
    await want_version(database, 4)
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


async def test_a_moved_chat_takes_its_bindings_along_and_every_process_reads_them_again_FT21(
    database: Database,
) -> None:
    cards = await open_store(database)
    await cards.record([CARD])
    await database.execute(insert(t.bindings).values(
        id=5, person="H1", channel="telegram", address="42", user_id="u", state="live", how="code", bound_at=0))  # fmt: skip
    before = await database.read(read_epoch)
    await cards.replace_address("telegram", "42", "-100")
    assert await database.read(lambda c: c.execute(select(t.bindings.c.address)).scalar()) == "-100"
    assert await database.read(read_epoch) == before + 1
    assert await cards.list_by_assignment(2) == []
