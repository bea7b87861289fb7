"""Moves on both engines: a ticket is handled from dispatch to closing; the slower of two is told who won."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.domain.acts import SYSTEM, Act, Actor
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Obligation, Outcome, Role, Source, State
from backend.ports.availability import Unavailable
from backend.ports.tickets import TicketRows
from storage import tables as t
from storage.engine.database import Database
from storage.engine.open import open_database
from tests.figures import SIZES, Figures, choose_size
from tests.tickets.world import DISPATCHER, HANDLER, REVIEWER, World

HANDLER_2 = replace(HANDLER, id="H2")
OTHER_UNIT = Actor("H9", Role.HANDLER, "U02")


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).open()


async def test_a_ticket_handled_from_dispatch_to_closing_leaves_only_the_visit_to_do(world: World) -> None:
    await world.add_ticket()
    await world.act("dispatch", DISPATCHER, unit="U01")
    world.at += timedelta(hours=1)
    await world.act("sign", HANDLER)
    await world.act("contact", HANDLER, reached=True)
    await world.act("reply", HANDLER, text="已修复", way="phone")
    await world.act("close", HANDLER, feedback="满意", no_objection=True)
    snap = await world.load()
    assert snap.ticket.state is State.CLOSED
    assert snap.ticket.version == 6
    assert snap.lead is not None and snap.lead.sign_method == "manual" and snap.lead.signed_by == "H1"
    assert {d.kind for d in snap.duties if d.met_at is None} == {Obligation.REVISIT}


async def test_the_second_of_two_signers_is_told_who_was_first_and_a_repeated_press_changes_nothing_FT15(
    world: World,
) -> None:
    await world.add_ticket()
    await world.act("dispatch", DISPATCHER, unit="U01")
    await world.act("sign", HANDLER)
    await world.act("sign", HANDLER)  # the winner repeats the act; nothing changes
    with pytest.raises(Refused) as refusal:
        await world.act("sign", replace(HANDLER, id="H2"))
    assert refusal.value.code == "overtaken"
    assert refusal.value.facts["by"] == "H1"
    assert (await world.load()).ticket.version == 3


@SIZES
async def test_forty_people_sign_at_once_and_one_wins_FT15_G4(
    world: World, database_url: str, size: str, figures: Figures
) -> None:
    count = choose_size(size, small=2, quick=50, full=500)
    shared = world.db.dialect == "postgresql"  # by several processes, each with its own connections
    others = [open_database(database_url, time.monotonic) for _ in range(7 * shared)]
    offices = [world, *(World(db) for db in others)]
    wins, told = 0, [0.0]

    async def press(office: World, no: str, person: int) -> None:
        began = time.monotonic()
        try:
            await office.act("sign", replace(HANDLER, id=f"P{person}"), no)
        except Refused:
            told.append(time.monotonic() - began)
            raise

    for number in range(count):
        no = f"T{number}"
        await world.add_ticket(no)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
        presses = (press(offices[person % len(offices)], no, person) for person in range(40))
        results = await asyncio.gather(*presses, return_exceptions=True)
        assert {r.code for r in results if isinstance(r, Refused)} == {"overtaken"}
        wins += sum(r is None for r in results)
    lines = select(func.count()).where(t.journal.c.verb == "sign")
    figures.report(
        "G4", tickets=count, presses=40, databases=len(offices), wins=wins, told_seconds=max(told),
        lines=await world.db.read(lambda c: c.execute(lines).scalar_one()),
    )  # fmt: skip
    await asyncio.gather(*(db.close() for db in others))


async def test_who_acts_in_the_same_instant_is_one_winner_and_each_version_has_one_line_FT16_FS11_FR16(
    world: World,
) -> None:
    for number in range(6):
        no = f"T{number}"
        await world.add_ticket(no)
        await world.act("dispatch", DISPATCHER, no, unit="U01")
        if number % 2:  # signed already: console and chat, return and closing, at once
            await world.act("sign", HANDLER, no)
            acts = [
                Act(
                    "close", HANDLER, Source.CONSOLE, arguments={"feedback": "满意", "no_objection": True, "text": "好"}
                ),
                Act(
                    "return",
                    HANDLER_2,
                    Source("telegram"),
                    arguments={"reason": "不属于", "files": ["f1"], "signed_by": "seal"},
                ),
                Act("reassign", DISPATCHER, Source.API, arguments={"unit": "U02", "reason": "误派"}),
            ]
        else:
            acts = [
                Act("sign", HANDLER, Source("telegram")),
                Act("sign", HANDLER_2, Source.CONSOLE),
                Act("reassign", DISPATCHER, Source.API, arguments={"unit": "U02", "reason": "误派"}),
                Act("auto_sign", SYSTEM, Source.CLOCK),
            ]
        version = (await world.load(no)).ticket.version
        results = await asyncio.gather(
            *(world.tickets.act(replace(act, ticket_no=no, version=version)) for act in acts), return_exceptions=True
        )
        refused = [result.code for result in results if isinstance(result, Refused)]
        assert len(refused) == len(acts) - 1 and set(refused) <= {"overtaken", "not_now"}, results
        snap = await world.load(no)
        assert snap.ticket.version == version + 1
        lines = select(t.journal.c.version).where(t.journal.c.ticket_id == snap.ticket.id)
        assert sorted(await world.db.read(lambda c, q=lines: c.execute(q).scalars().all())) == list(
            range(1, version + 2)
        )


async def test_when_the_answer_to_a_commit_is_lost_the_same_act_again_finds_what_was_done_FD11(world: World) -> None:
    await world.add_ticket()
    await world.act("dispatch", DISPATCHER, unit="U01")
    perform = world.moves.perform

    async def lose_the_answer(*arguments: Any, **named: Any) -> Any:
        world.moves.perform = perform  # type: ignore[method-assign]
        await perform(*arguments, **named)
        raise Unavailable("away")

    world.moves.perform = lose_the_answer  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await world.act("sign", HANDLER)
    await world.act("sign", HANDLER)  # as a person, a provider or the inbox does
    assert (await world.load()).ticket.version == 3


async def test_another_unit_does_not_even_learn_that_the_ticket_exists(world: World) -> None:
    await world.add_ticket()
    await world.act("dispatch", DISPATCHER, unit="U01")
    with pytest.raises(Refused) as refusal:
        await world.act("sign", OTHER_UNIT)
    assert refusal.value.code == "not_found"


async def test_a_refused_return_is_not_scored_and_an_accepted_one_takes_the_ticket_from_the_unit(world: World) -> None:
    await world.add_ticket()
    await world.act("dispatch", DISPATCHER, unit="U01")
    await world.act("sign", HANDLER)
    await world.act("return", HANDLER, reason="不属于本单位", files=["f1"], signed_by="seal")
    with pytest.raises(Refused, match="reason_missing"):
        await world.act("decide_return", REVIEWER, accept=False)
    await world.act("decide_return", REVIEWER, accept=False, reason="属于贵单位")
    await world.act("return", HANDLER, reason="确实不属于", files=["f1"], signed_by="leader")
    await world.act("decide_return", REVIEWER, accept=True)
    snap = await world.load()
    assert snap.ticket.state is State.PENDING_DISPATCH and snap.ticket.return_count == 1
    returns = [d.outcome for d in snap.duties if d.kind is Obligation.RETURN]
    assert sorted(str(o) for o in returns) == [Outcome.TIMELY, Outcome.VOID]


async def test_a_ticket_number_is_kept_once(world: World) -> None:
    await world.add_ticket()
    snap = await world.load()
    assert snap.last_entry is not None
    again = TicketRows(replace(snap.ticket, id=world.ids.take()), replace(snap.last_entry, id=world.ids.take()))
    assert await world.moves.create([again]) == [False]
