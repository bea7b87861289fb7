"""A life scores the same whether it was lived in the product or imported as history, in every month (XD1, XD5-XD7)."""

import random
from datetime import datetime, timedelta
from json import loads
from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.acts import SYSTEM, Act, Actor
from backend.domain.instants import from_micros
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role, Source, State
from backend.ports.tickets import TicketRef
from storage import tables as t
from tests.scoring.test_counts import count_by_tables
from tests.scoring.world import AGENT, World
from tests.tickets.world import DISPATCHER, REVIEWER, ZONE

FIRST, DAYS, LIVES = datetime(2026, 8, 24, 8, tzinfo=ZONE), 70, 40
#: where the imported twin of a live life belongs
TWIN = {"U01": "U03", "U02": "U04", "M01": "M02"}
SETTINGS: list[dict[str, str]] = [
    {},
    {"scoring.closure_basis": "due", "scoring.return_basis": "submitted", "scoring.red_card_month": "closed"},
    {"scoring.second_visit_unreached": "keep_first", "scoring.red_card_basis": "dispatched"},
]
AFTER_NO = ("satisfied", "unsatisfied", "unclear", "unreached", "")
SILENT_HOURS = (1, 6, 24)  # three attempts, in two parts of the day, over two days


class Liver:
    """Lives one ticket in the product: what people do, drawn from dice, and the clock's own acts between."""

    def __init__(self, world: World, no: str, dice: random.Random) -> None:
        self.world, self.no, self.dice = world, no, dice

    async def live(self) -> None:
        self.world.at = FIRST + timedelta(minutes=self.dice.randrange(DAYS * 1440))
        await self.world.add_ticket(self.no)
        grade = self.dice.choice(("general", "urgent"))
        for _ in range(2):  # a second return is the last (Q44)
            self.world.at += timedelta(minutes=10)
            unit = self.dice.choice(("U01", "U02"))
            await self.world.act("dispatch", DISPATCHER, self.no, unit=unit, grade=grade)
            if not await self.handle(unit):
                return

    async def handle(self, unit: str) -> bool:
        """What one unit does; True if it gave the ticket back."""
        handler = Actor(f"H{unit}", Role.HANDLER, unit)
        if self.chance(10) and "mass_incident" not in (await self.load()).ticket.flags:
            await self.world.act("flag", DISPATCHER, self.no, mass_incident=True, reason="多人反映")
            await self.world.act("decide_flag", REVIEWER, self.no, accept=True, reason="属实")
        await self.wait(2500)
        if (await self.load()).lead.state == State.DISPATCHED:
            await self.world.act("sign", handler, self.no)
        if self.chance(40):
            await self.wait(6000)
            await self.world.act("return", handler, self.no, reason="不属于本单位", files=["f1"], signed_by="seal")
            await self.wait(3000)
            accept = self.chance(70)
            await self.world.act("decide_return", REVIEWER, self.no, accept=accept, reason="已核")
            if accept:
                return True
        elif self.chance(30):
            await self.extend(handler)
        if self.chance(15):
            return False
        if self.chance(60):
            await self.wait(2000)
            await self.world.act("contact", handler, self.no, way="phone", reached=True, note="已联系")
        await self.wait(20_000)
        await self.world.act("close", handler, self.no, text="已办", way="letter", no_objection=True)
        if self.chance(80):
            await self.visit()
        return False

    async def extend(self, handler: Actor) -> None:
        await self.wait(600)
        later = (await self.load()).lead.close_due_at + timedelta(days=self.dice.randrange(1, 6))
        informed = {"at": self.world.at.isoformat(), "way": "phone"}
        try:
            await self.world.act(
                "extend", handler, self.no, new_due_at=later, reason="待料", requester_informed=informed
            )
        except Refused:  # already due
            return
        await self.wait(3000)
        await self.world.act("decide_extension", REVIEWER, self.no, accept=self.chance(60), reason="已核")

    async def visit(self) -> None:
        self.world.at += timedelta(hours=5)
        first = self.dice.choice(("satisfied", "unsatisfied", "unsatisfied", "unclear", "no_reply"))
        await self.say("auto", first)
        if first != "unsatisfied" or not (answer := self.dice.choice(AFTER_NO)):
            return
        for hours in SILENT_HOURS if answer == "unreached" else (2,):
            self.world.at += timedelta(hours=hours)
            await self.say("manual", answer)
        if answer == "unsatisfied" and self.chance(60):
            unit = (await self.load()).lead.unit
            await self.world.act("rework", REVIEWER, self.no, summary="再办")
            await self.world.act("reply", Actor(f"H{unit}", Role.HANDLER, unit), self.no, text="又办", way="letter")
            self.world.at += timedelta(hours=2)
            await self.say("manual", self.dice.choice(("satisfied", "unclear", "unsatisfied")))

    async def say(self, kind: str, answer: str) -> None:
        words = {"contacted": self.dice.choice(("yes", "no", "unsure"))} if answer != "unreached" else {}
        await self.world.act("visit", AGENT, self.no, kind=kind, answer=answer, note="记录", **words)

    async def wait(self, minutes: int) -> None:
        """Time passes; what falls due meanwhile the clock does at its instant."""
        await self.pass_to(self.world.at + timedelta(minutes=self.dice.randrange(1, minutes)))

    async def pass_to(self, then: datetime) -> None:
        for verb, state in (("auto_sign", "sign_due_at"), ("red_card", "close_due_at")):
            lead = (await self.load()).lead
            if lead is None or lead.closed_at is not None or (verb == "auto_sign" and lead.signed_at is not None):
                continue
            if (due := getattr(lead, state)) < then:
                self.world.at = max(self.world.at, due)
                try:
                    act = Act(verb, SYSTEM, Source.CLOCK, assignment_id=lead.id, at=due)
                    await self.world.tickets.act(act)
                except Refused as no:
                    assert no.code in ("already_there", "not_now", "withheld"), no.code
        self.world.at = then

    async def load(self) -> Any:
        return await self.world.tickets.moves.load(TicketRef(ticket_no=self.no))

    def chance(self, percent: int) -> bool:
        return self.dice.randrange(100) < percent


async def write_history(world: World, no: str) -> dict[str, Any]:
    """The life as the product would hand it to another platform, at the twins of its units."""

    async def rows(table: Any) -> list[Any]:
        own = select(table).where(table.c.ticket_id == ticket.id).order_by(table.c.id)
        return await world.db.read(lambda c: list(c.execute(own)))

    def when(micros: int | None) -> str | None:
        return None if micros is None else from_micros(micros).isoformat()

    ticket = (await world.db.read(lambda c: list(c.execute(select(t.tickets).where(t.tickets.c.ticket_no == no)))))[0]
    requests, assignments = await rows(t.requests), []
    for a in await rows(t.assignments):
        own = [r for r in requests if r.assignment_id == a.id and r.decision is not None]
        granted = [r for r in own if r.kind == "extension" and r.decision == "accepted"]
        one: dict[str, Any] = {
            "unit": TWIN[a.unit], "lead": bool(a.lead), "dispatched_at": when(a.dispatched_at),
            "signed_at": when(a.signed_at), "signed": a.sign_method, "closed_at": when(a.closed_at), "contacted_at": when(a.contacted_at),
            "close_due_at": loads(granted[0].facts)["old_due_at"] if granted else when(a.close_due_at),
            "extensions": [{"granted_at": when(r.decided_at), "new_due_at": loads(r.facts)["new_due_at"]} for r in granted],
        }  # fmt: skip
        for r in own:
            if r.kind == "return":
                decided = when(r.decided_at)
                one["return"] = {"submitted_at": when(r.asked_at), "decision": r.decision, "decided_at": decided}
        assignments.append({key: value for key, value in one.items() if value is not None})
    visits = [
        {"kind": v.kind, "at": when(v.at), "answer": v.answer, "contacted": v.contacted}
        for v in await rows(t.visits) if v.decisive or v.answer != "unreached"
    ]  # fmt: skip
    return {
        "ticket_no": f"I-{no}", "category": ticket.category, "grade": ticket.grade, "region": "南关区",
        "generated_at": when(ticket.generated_at), "mass_incident": "mass_incident" in ticket.flags,
        "assignments": assignments, "visits": visits, "text": "路灯不亮",
    }  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_life_counts_the_same_whatever_its_origin_XD1_XD5_XD6_XD7(world: World, seed: int) -> None:
    end, dice = world.at, random.Random(seed)
    livers = [Liver(world, f"L{n:03d}", dice) for n in range(LIVES)]
    for liver in livers:
        await liver.live()
        await liver.pass_to(end)
    world.at = end
    assert set(await world.import_history([await write_history(world, liver.no) for liver in livers])) == {True}
    for settings in SETTINGS:
        counts = await count_by_tables(world, end, settings)
        lived = {(month, TWIN[unit], m): pair for (month, unit, m), pair in counts.items() if unit in TWIN}
        imported = {place: pair for place, pair in counts.items() if place[1] in TWIN.values()}
        wrong = {
            p: (lived.get(p), imported.get(p))
            for p in lived.keys() | imported.keys()
            if lived.get(p) != imported.get(p)
        }
        assert lived and not wrong, (settings, wrong)


def overdue_and_given_back(**more: Any) -> dict[str, Any]:
    """An urgent life due on 30 August and given back, by leave of the reviewer, on 2 September."""
    back = {"submitted_at": at("09-02T09"), "decision": "accepted", "decided_at": at("09-02T15")}
    one = {"unit": "U01", "lead": True, "dispatched_at": at("08-29T09"), "signed_at": at("08-29T10"), "return": back}
    return {"ticket_no": "A", "category": "help", "grade": "urgent", "region": "朝阳区", "generated_at": at("08-29T09"),
            "assignments": [{**one, **more}]}  # fmt: skip


def at(text: str) -> str:
    return f"2026-{text}:00:00+08:00"


async def test_a_card_stays_in_its_month_though_the_return_is_accepted_later_XD1(world: World) -> None:
    await world.import_history([overdue_and_given_back()])
    counts = await count_by_tables(world, world.at, {})
    cards = {month: pair for (month, _, measure), pair in counts.items() if measure == "red_card"}
    assert cards == {"2026-08": [1, 1]}


@pytest.mark.parametrize(
    ("told", "pair"),
    [
        ({}, [1, 1]),
        ({"signed_at": None}, [0, 1]),
        ({"signed_at": None, "signed": "auto"}, [0, 1]),
        ({"signed": "auto"}, [0, 1]),
    ],
)
async def test_a_return_is_in_time_only_after_a_signing_by_hand_XD5(
    world: World, told: dict[str, Any], pair: list[int]
) -> None:
    back = {"submitted_at": at("08-29T10"), "decision": "accepted", "decided_at": at("08-29T15")}
    await world.import_history([overdue_and_given_back(**{"return": back}, **told)])
    assert (await count_by_tables(world, world.at, {}))["2026-08", "U01", "return"] == pair


async def test_a_card_of_an_imported_life_taken_back_on_objection_no_longer_counts_XD1(world: World) -> None:
    due = world.at + timedelta(hours=3)
    await world.import_history([overdue_and_given_back(**{"return": None}, close_due_at=due.isoformat())])
    world.at = due + timedelta(hours=1)
    lead = (await world.tickets.moves.load(TicketRef(ticket_no="A"))).lead
    await world.tickets.act(Act("red_card", SYSTEM, Source.CLOCK, assignment_id=lead.id, at=due))
    assert (await count_by_tables(world, world.at, {}))["2026-11", "U01", "red_card"] == [1, 1]
    await world.act("object", Actor("HU01", Role.HANDLER, "U01"), "A", reason="停水系计划检修")
    await world.act("decide_objection", REVIEWER, "A", accept=True)
    assert (await count_by_tables(world, world.at, {}))["2026-11", "U01", "red_card"] == [0, 1]
