"""Each statement that takes, asks or acts is refused by the database itself where the gate is shut (XR2, FD12, FM9)."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from backend.domain.acts import SYSTEM, Act
from backend.domain.records import Message
from backend.domain.ticket_enums import Source
from backend.ports.availability import Unavailable
from backend.ports.calls import NewCall
from backend.ports.outbox import Ask
from backend.ports.tickets import TicketRef, TicketRows
from notify.chat.telegram.updates import identify
from storage import tables as t
from storage.calls.calls import SqlCallStore
from storage.deadlines.due import SqlDueStore
from storage.delivery.inbox import SqlInboxStore
from storage.engine import versions
from storage.engine.database import Database
from storage.engine.open import open_database
from storage.platform.writebacks import SqlPlatformStore
from storage.tickets.intake import SqlIntakeStore
from storage.visits.texts import SqlRequesterTextStore
from tests.delivery.world import DISPATCHER, ENCRYPTION, HANDLER, World
from tests.waiting_ticket import build_waiting_ticket

LEASE = timedelta(seconds=45)
CHAT = ["telegram"]
OWN = versions.get_own_numbers()
Attempt = Callable[[World], Awaitable[object]]


async def add_letter(world: World, **fields: Any) -> Message:
    await world.ids.refill(1)
    message = Message(**{
        "id": world.ids.take(), "kind": "ticket_dispatched", "channel": "telegram", "person": "H1", "ticket_id": None,
        "assignment_id": None, "ticket_version": 1, "urgent": True, "created_at": world.at, "not_before": world.at,
    } | fields)  # fmt: skip
    await world.outbox.add([message])
    return message


# -- each prepares a world, and returns what takes something there if it may


async def claim_message(world: World) -> Attempt:
    await add_letter(world)
    return lambda w: w.outbox.claim("w1", CHAT, w.at, 1, LEASE)


async def claim_one_message(world: World) -> Attempt:
    letter = await add_letter(world)
    return lambda w: w.outbox.claim("w1", CHAT, w.at, 1, LEASE, [letter.id], ask=[letter.id])


async def claim_sms(world: World) -> Attempt:
    letter = await add_letter(world, channel="sms")
    return lambda w: w.outbox.claim("w1", ("sms",), w.at, 1, LEASE, (letter.id,), ask=(letter.id,))


async def ask_for_message(world: World) -> Attempt:
    letter = await add_letter(world)
    (mine,) = await world.outbox.claim("w1", CHAT, world.at, 1, LEASE)

    async def ask(w: World) -> object:
        return (await w.outbox.settle([Ask(letter.id, "w1", mine.message.attempts, w.at)]))[0]

    return ask


async def rescue_message(world: World) -> Attempt:
    letter = await add_letter(world)
    await world.outbox.claim("w1", CHAT, world.at, 1, LEASE)
    world.pass_time(seconds=46)

    async def rescue(w: World) -> object:
        await w.outbox.rescue(CHAT, w.at)
        return await w.db.fetch_value(select(t.outbox.c.deaths).where(t.outbox.c.id == letter.id))

    return rescue


async def claim_card(world: World) -> Attempt:
    row = {"id": 1, "channel": "telegram", "address": "c", "message_id": "1", "person": "H1", "ticket_id": 1, "kind": "ticket_dispatched",
           "shown_version": 1, "target_version": 2, "facts": "{}", "sent_at": 1, "state": "live"}  # fmt: skip
    await world.db.execute(insert(t.chat_cards).values(row))
    return lambda w: w.cards.claim("w1", [1], LEASE)


async def claim_writeback(world: World) -> Attempt:
    await world.create_ticket()
    line = await world.db.fetch_value(select(t.journal.c.id))
    ticket = await world.db.fetch_value(select(t.journal.c.ticket_id))
    row = {"id": line, "ticket_id": ticket, "version": 1, "state": "waiting", "not_before": 1, "since": 1}
    await world.db.execute(insert(t.writebacks).values(row))
    return lambda w: SqlPlatformStore(w.db).claim("w1", w.at, LEASE, 9)


async def claim_text(world: World) -> Attempt:
    await SqlRequesterTextStore(world.db, world.ids, ENCRYPTION).enqueue(
        1, "sms_unreached", 1, "+8613900000001", "…", False, world.at
    )
    found = await world.db.fetch_value(select(t.requester_texts.c.id))
    assert found is not None
    return lambda w: SqlRequesterTextStore(w.db, w.ids, ENCRYPTION).claim(found, w.at, w.at + LEASE)


async def queue_call(world: World) -> Attempt:
    letter = await add_letter(world, channel="phone")
    new = NewCall("notice", "notice", world.at, world.at, outbox_id=letter.id, person="H1")
    return lambda w: SqlCallStore(w.db, w.ids, ENCRYPTION).enqueue(new)


async def begin_call(world: World) -> Attempt:
    new = NewCall("bridge", "bridge", world.at, world.at, person="H1")
    call = await SqlCallStore(world.db, world.ids, ENCRYPTION).enqueue(new)
    assert call is not None
    later, number = world.at + LEASE, "+8613800000001"
    return lambda w: SqlCallStore(w.db, w.ids, ENCRYPTION).begin_attempt(call, number, "…", w.at, later)


async def postpone_call(world: World) -> Attempt:
    new = NewCall("bridge", "bridge", world.at, world.at, person="H1")
    call = await SqlCallStore(world.db, world.ids, ENCRYPTION).enqueue(new)
    assert call is not None
    return lambda w: SqlCallStore(w.db, w.ids, ENCRYPTION).postpone(call, w.at + LEASE)


async def check_duty(world: World) -> Attempt:
    await world.dispatch_ticket()
    duty = (await world.load()).duties[0]
    return lambda w: SqlDueStore(w.db).record_check(duty, duty.reminder_step + 1, w.at + LEASE)


def open_inbox(world: World) -> SqlInboxStore:
    return SqlInboxStore(world.db, world.ids, lambda: world.at, lambda _, body: identify(body))


async def keep_update(world: World) -> Attempt:
    return lambda w: open_inbox(w).receive("telegram", b'{"update_id": 1}')


async def claim_update(world: World) -> Attempt:
    await open_inbox(world).receive("telegram", b'{"update_id": 1}')
    return lambda w: open_inbox(w).claim("telegram", "w1", 1)


async def lead_the_polling(world: World) -> Attempt:
    return lambda w: open_inbox(w).acquire_lease("poll:1", "w1", LEASE)


async def take_in(world: World) -> Attempt:
    new = await build_new(world, 1)
    return lambda w: w.moves.create(new)


async def take_in_many(world: World) -> Attempt:
    new = await build_new(world, 20)
    return lambda w: SqlIntakeStore(w.db).create(new)


async def build_new(world: World, count: int) -> Sequence[TicketRows]:
    return [await build_waiting_ticket(world.ids, world.at, f"N{n}") for n in range(count)]


async def act_as_person(world: World) -> Attempt:
    await world.dispatch_ticket()
    return lambda w: w.tickets.act(Act("sign", HANDLER, Source.API, ticket_no="T1"))


async def act_on_two_tickets(world: World) -> Attempt:
    await world.create_ticket("T1")
    await world.create_ticket("T2")
    return lambda w: w.tickets.act(
        Act("merge", DISPATCHER, Source.API, ticket_no="T2", arguments={"into": "T1", "reason": "同一件事"})
    )


async def act_as_clock(world: World) -> Attempt:
    assignment = await world.dispatch_ticket()
    world.pass_time(days=3)
    due = (await world.load()).duties[0].due_at

    async def sign(w: World) -> object:
        return await w.tickets.act(Act("auto_sign", SYSTEM, Source.CLOCK, assignment_id=assignment, at=due))

    return sign


#: what takes, the parts it needs, and whether a hold stops it
TAKERS: Sequence[tuple[Callable[[World], Awaitable[Attempt]], tuple[str, ...], bool]] = (
    (claim_message, ("outbox",), True), (claim_one_message, ("outbox",), True), (claim_sms, ("outbox",), True),
    (ask_for_message, ("outbox",), True), (rescue_message, ("outbox",), True), (claim_card, ("outbox",), True),
    (claim_writeback, ("outbox",), True), (claim_text, ("outbox",), True), (queue_call, ("calls",), True),
    (begin_call, ("calls",), True), (postpone_call, ("calls",), True), (check_duty, ("deadlines",), True),
    (act_as_clock, ("acts", "deadlines"), True), (keep_update, ("inbox",), False), (claim_update, ("inbox",), False),
    (lead_the_polling, ("inbox",), False), (take_in, ("acts",), False), (take_in_many, ("acts",), False),
    (act_as_person, ("acts",), False), (act_on_two_tickets, ("acts",), False),
)  # fmt: skip


async def set_gate(db: Database, part: str, newest: int = 0, least: int = 0) -> None:
    """Shift a part's numbers against those of this code."""
    numbers = {"format": OWN[part] + newest, "least": OWN[part] + least}
    await db.execute(update(t.gate).where(t.gate.c.part == part).values(numbers))


async def try_it(attempt: Attempt, world: World) -> object:
    """What it took; the cause where it was refused aloud."""
    try:
        return await attempt(world)
    except Unavailable as refused:
        return refused


def took(result: object) -> bool:
    return bool(result) and not isinstance(result, Unavailable)


@pytest.mark.parametrize(("prepare", "parts", "is_held"), TAKERS, ids=[one[0].__name__ for one in TAKERS])
async def test_nothing_is_taken_asked_or_done_through_a_gate_that_is_shut_XR2_FD12(
    database: Database, prepare: Callable[[World], Awaitable[Attempt]], parts: tuple[str, ...], is_held: bool
) -> None:
    world = await World(database).open()
    attempt = await prepare(world)
    for part in (*parts, "schema"):
        for newest, least in ((1, 1), (7, 1), (-1, -1)):
            await set_gate(database, part, newest, least)
            result = await try_it(attempt, world)
            assert not took(result), (part, newest, least)
            assert not isinstance(result, Unavailable) or result.code == "version_gate"
        await set_gate(database, part)
    await database.execute(delete(t.gate).where(t.gate.c.part == parts[0]))
    assert not took(await try_it(attempt, world)), "a part that is missing is shut"
    row = {"part": parts[0], "format": OWN[parts[0]] + 3, "least": 0, "held": False}  # former code beside newer
    await database.execute(insert(t.gate).values(row))
    if is_held:
        await database.execute(update(t.gate).where(t.gate.c.part == parts[-1]).values(held=True))
        result = await try_it(attempt, world)
        assert not took(result) and (not isinstance(result, Unavailable) or result.code == "held")
        await database.execute(update(t.gate).values(held=False))
    others = [part for part in OWN if part not in (*parts, "schema")]
    for part in others:  # they concern others
        await set_gate(database, part, 1, 1)
    await database.execute(update(t.gate).where(t.gate.c.part.in_(others)).values(held=True))
    assert took(await try_it(attempt, world)), "what was refused before is still to be had"


async def test_a_hold_leaves_keeping_updates_and_what_people_do_FD13(database: Database) -> None:
    world = await World(database).open()
    assignment = await world.dispatch_ticket()
    held = update(t.gate).where(t.gate.c.part.in_(("outbox", "calls", "deadlines"))).values(held=True)
    await database.execute(held)
    assert await (await keep_update(world))(world) and await (await lead_the_polling(world))(world)
    world.pass_time(days=3)
    due = (await world.load()).duties[0].due_at
    with pytest.raises(Unavailable) as refused:
        await world.tickets.act(Act("auto_sign", SYSTEM, Source.CLOCK, assignment_id=assignment, at=due))
    assert refused.value.code == "held" and (await world.load()).assignments[0].signed_at is None
    await world.act("sign", HANDLER)
    assert await world.worker.run_once() == 0 and world.channel.requested == []


async def test_results_of_what_was_asked_are_kept_though_the_gate_has_shut_FM9(database: Database) -> None:
    """A provider's answer lost would be a copy sent by the next process."""
    world = await World(database).open()
    await world.dispatch_ticket()

    async def shut(_address: str) -> None:
        await set_gate(database, "outbox", 1, 1)

    world.channel.before = shut
    await world.worker.run_once()
    sent = [d for d in await world.list_deliveries() if d.message.state == "sent"]
    assert world.channel.requested and len(sent) == len(world.channel.requested)
    waiting = len(world.channel.requested)
    await world.worker.run_once()
    assert len(world.channel.requested) == waiting, "and nothing more leaves"


async def test_a_worker_before_a_shut_gate_ends_its_run_XR2(database: Database) -> None:
    """It neither spins nor hangs, however much waits."""
    world = await World(database).open()
    await world.dispatch_ticket()
    for _ in range(40):
        await add_letter(world, person="H2", urgent=False, ticket_id=None)
    await set_gate(database, "outbox", 1, 1)
    for _ in range(3):
        await world.worker.run_once()
    assert world.channel.requested == []
    await set_gate(database, "outbox")
    await world.worker.run_once()
    assert world.channel.requested


async def test_newer_and_former_code_both_work_on_expanded_tables_and_only_newer_on_contracted_FM9(
    database: Database, database_url: str
) -> None:
    newer_numbers = {part: own + 1 for part, own in OWN.items()}
    newer = open_database(database_url, time.monotonic, numbers=newer_numbers)
    try:
        with_former, with_newer = await World(database).open(), World(newer)
        await with_newer.ids.refill()
        letters = [await add_letter(with_former) for _ in range(6)]

        async def take(world: World, owner: str) -> bool:
            return bool(await world.outbox.claim(owner, CHAT, world.at, 1, LEASE))

        assert await take(with_former, "a") and not await take(with_newer, "b")
        versions.upgrade(database_url, numbers=newer_numbers)
        assert await take(with_former, "a") and await take(with_newer, "b")
        versions.upgrade(database_url, contract=True, numbers=newer_numbers)
        assert not await take(with_former, "a") and await take(with_newer, "b")
        owners = await database.fetch_rows(select(t.outbox.c.owner).where(t.outbox.c.owner.is_not(None)))
        assert sorted(row.owner for row in owners) == ["a", "a", "b", "b"] and len(letters) == 6
    finally:
        await newer.close()


async def test_the_gate_costs_no_statement_XR2(sqlite_url: str) -> None:
    """It rides in the claim, in the ask and in the act; only a refusal asks why."""
    db = open_database(sqlite_url, time.monotonic)
    world = await World(db).open()
    await add_letter(world)
    await world.create_ticket()
    said: list[str] = []

    def listen(c: Connection) -> None:
        raw: Any = c.connection.driver_connection
        raw.set_trace_callback(said.append)

    async def hear(doing: Awaitable[object]) -> list[str]:
        said.clear()
        await doing
        return [one for one in said if one.split()[0] not in ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")]

    await db.write(listen)
    (claim,) = await hear(world.outbox.claim("w1", CHAT, world.at, 1, LEASE))
    (ask,) = await hear(world.outbox.settle([Ask(1, "w1", 1, world.at)]))
    act = await hear(world.act("dispatch", DISPATCHER, unit="U01"))
    assert "FROM gate" in claim and "FROM gate" in ask
    assert [one.split()[0] for one in act if "FROM gate" in one] == ["UPDATE"]
    await db.close()


def test_every_meaning_is_a_migration_that_exists_XR2() -> None:
    assert all(1 <= number <= OWN["schema"] for number in OWN.values())


async def test_a_snoozed_reminder_is_a_persons_act_FD13(database: Database) -> None:
    world = await World(database).open()
    await world.dispatch_ticket()
    duty = next(d for d in (await world.load()).duties if d.check_at is not None)
    later: datetime = duty.due_at
    await database.execute(update(t.gate).where(t.gate.c.part == "deadlines").values(held=True))
    assert await SqlDueStore(database).postpone_check(duty, later)
    assert await world.moves.load(TicketRef(ticket_no="T1"))
