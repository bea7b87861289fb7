"""The desk's threshold on both engines: a ticket goes its way, the slower of two is told who won."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from backend.domain.acts import Act, Actor
from backend.domain.flow import build_entry
from backend.domain.records import Ticket, Unit
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Grade, Obligation, Outcome, Role, Source, State, UnitKind
from backend.office.cache import OfficeCache
from backend.ports.moves import NewTicket, TicketRef
from backend.tickets.service import TicketService
from storage import tables as t
from storage.engine.database import Database
from storage.engine.ids import IdSupply
from storage.office.config import SqlConfigStore, bump_epoch
from storage.tickets.moves import create_move_store
from tests.time_and_chance import build_clock

ZONE = ZoneInfo("Asia/Shanghai")
KEY = b"k" * 32
DISPATCHER = Actor("D1", Role.DISPATCHER, "M01")
REVIEWER = Actor("R1", Role.REVIEWER, "M01")
HANDLER = Actor("H1", Role.HANDLER, "U01")
STRANGER = Actor("H9", Role.HANDLER, "U02")


class Bench:
    """A desk over an empty database with two units and one hand on the clock."""

    def __init__(self, db: Database) -> None:
        self.at = datetime(2026, 11, 10, 9, 0, tzinfo=ZONE)
        self.ids = IdSupply(db)
        self.config = SqlConfigStore(db, self.ids)
        self.moves = create_move_store(db)
        self.office = OfficeCache(self.config, build_clock(lambda: self.at), "jilin")
        self.desk = TicketService(self.moves, self.office, self.ids, KEY)
        self.db = db

    async def open(self) -> "Bench":
        await self.config.save_units([
            Unit("M01", "市热线", UnitKind.MANAGEMENT, "A市"), Unit("U01", "住建局", UnitKind.HANDLING, "A市"),
            Unit("U02", "交通局", UnitKind.HANDLING, "A市"),
        ])  # fmt: skip

        def staff(c):  # type: ignore[no-untyped-def]
            for code, unit, role in (
                ("H1", "U01", "handler"),
                ("H2", "U01", "handler"),
                ("H9", "U02", "handler"),
            ):
                c.execute(insert(t.people).values(code=code, name=code, unit=unit, role=role, phone_sealed=b"x",
                                                  active=True, rank=0, key_authorised=False, pin_failures=0))  # fmt: skip
            bump_epoch(c)

        await self.db.write(staff)
        await self.ids.refill()
        return self

    async def ticket(self, no: str = "T1", grade: Grade = Grade.GENERAL) -> None:
        now = self.at.astimezone(UTC)
        ticket_id = self.ids.take()
        line = build_entry(KEY, prev_hash="", entry_id=self.ids.take(), ticket_id=ticket_id, version=1, assignment_id=None,
                     verb="create", from_state="", to_state="pending_dispatch", by="D1", source=Source.API, at=now,
                     recorded_at=now, words={})  # fmt: skip
        ticket = Ticket(ticket_id, no, 1, line.hash, State.PENDING_DISPATCH, Category.HELP, grade, "phone", "A市",
                        "M01", "M01", now, text="路灯不亮", has_phone=True)  # fmt: skip
        assert await self.moves.create([NewTicket(ticket, line)]) == [True]

    async def act(self, verb: str, by: Actor, no: str = "T1", **words: object) -> None:
        await self.desk.act(Act(verb, by, Source.API, ticket_no=no, arguments=words))


@pytest.fixture
async def bench(database: Database) -> Bench:
    return await Bench(database).open()


async def test_a_ticket_goes_from_dispatch_to_closing_and_every_duty_is_met_in_time(bench: Bench) -> None:
    await bench.ticket()
    await bench.act("dispatch", DISPATCHER, unit="U01")
    bench.at += timedelta(hours=1)
    await bench.act("sign", HANDLER)
    await bench.act("contact", HANDLER, reached=True)
    await bench.act("reply", HANDLER, text="已修复", way="phone")
    await bench.act("close", HANDLER, feedback="满意", no_objection=True)
    snap = await bench.moves.load(TicketRef(no="T1"))
    assert snap is not None
    assert snap.ticket.state is State.CLOSED
    assert snap.ticket.version == 6
    assert snap.lead is not None and snap.lead.signed == "manual" and snap.lead.signed_by == "H1"
    assert {d.kind for d in snap.duties if d.met_at is None} == {Obligation.REVISIT}


async def test_the_second_of_two_signers_is_told_who_was_quicker_and_a_double_tap_is_no_second_act(
    bench: Bench,
) -> None:
    await bench.ticket()
    await bench.act("dispatch", DISPATCHER, unit="U01")
    await bench.act("sign", HANDLER)
    await bench.act("sign", HANDLER)  # FT15: the winner repeats himself, nothing changes
    with pytest.raises(Refused) as refused:
        await bench.act("sign", replace(HANDLER, code="H2"))
    assert refused.value.code == "overtaken"
    assert refused.value.facts["by"] == "H1"
    snap = await bench.moves.load(TicketRef(no="T1"))
    assert snap is not None and snap.ticket.version == 3


async def test_forty_people_sign_at_once_and_one_wins_FT15(bench: Bench) -> None:
    await bench.ticket()
    await bench.act("dispatch", DISPATCHER, unit="U01")
    results = await asyncio.gather(
        *(bench.act("sign", replace(HANDLER, code=f"P{i}")) for i in range(40)), return_exceptions=True
    )
    assert sum(r is None for r in results) == 1
    assert {r.code for r in results if isinstance(r, Refused)} == {"overtaken"}


async def test_another_unit_does_not_even_learn_that_the_ticket_exists(bench: Bench) -> None:
    await bench.ticket()
    await bench.act("dispatch", DISPATCHER, unit="U01")
    with pytest.raises(Refused) as refused:
        await bench.act("sign", STRANGER)
    assert refused.value.code == "not_found"


async def test_a_refused_return_is_not_scored_and_an_accepted_one_frees_the_unit(bench: Bench) -> None:
    await bench.ticket()
    await bench.act("dispatch", DISPATCHER, unit="U01")
    await bench.act("sign", HANDLER)
    await bench.act("return", HANDLER, reason="不属于本单位", files=["f1"], signed_by="seal")
    with pytest.raises(Refused, match="reason_missing"):
        await bench.act("decide_return", REVIEWER, accept=False)
    await bench.act("decide_return", REVIEWER, accept=False, reason="属于贵单位")
    await bench.act("return", HANDLER, reason="确实不属于", files=["f1"], signed_by="leader")
    await bench.act("decide_return", REVIEWER, accept=True)
    snap = await bench.moves.load(TicketRef(no="T1"))
    assert snap is not None and snap.ticket.state is State.PENDING_DISPATCH and snap.ticket.bounces == 1
    returns = [d.outcome for d in snap.duties if d.kind is Obligation.RETURN]
    assert sorted(str(o) for o in returns) == [Outcome.TIMELY, Outcome.VOID]


async def test_the_same_number_is_kept_once(bench: Bench) -> None:
    await bench.ticket()
    snap = await bench.moves.load(TicketRef(no="T1"))
    assert snap is not None and snap.last_entry is not None
    again = NewTicket(replace(snap.ticket, id=bench.ids.take()), replace(snap.last_entry, id=bench.ids.take()))
    assert await bench.moves.create([again]) == [False]
