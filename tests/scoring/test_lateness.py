"""What lateness will cost is the difference of the sheets of two units, one in time and one late, by month (B2, XD8)."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from backend.domain.acts import SYSTEM, Actor
from backend.domain.ticket_enums import Role
from tests.scoring.world import HANDLER, World
from tests.tickets.world import DISPATCHER, ZONE

LATER = Actor("HU02", Role.HANDLER, "U02")
#: when it is dispatched, when it is due, when the cost is asked, the months that cost something
CASES = (
    ((11, 9), (11, 12, 17), (11, 10), ["2026-11"]),
    ((11, 9), (11, 12, 17), (11, 16), ["2026-11"]),  # late already: the card is issued, the closing is to come
    ((11, 25), (11, 30, 17), (11, 27), ["2026-11"]),
    ((10, 26), (10, 30, 17), (11, 10), ["2026-11"]),  # the card is October's; November gets the late closing only
    ((11, 26), (12, 2, 17), (11, 27), ["2026-12"]),  # asked before the month it falls in has begun
)


async def assign(world: World, unit: str, by: Actor, no: str, due: datetime) -> None:
    """Dispatch a ticket to a unit, which signs it."""
    await world.add_ticket(no)
    await world.act("dispatch", DISPATCHER, no, unit=unit, close_due_at=due.isoformat())
    await world.act("sign", by, no)


async def close(world: World, by: Actor, no: str) -> None:
    await world.act("close", by, no, text="已修复", way="phone", no_objection=True)


async def compute_cost(world: World, no: str) -> dict[str, Any]:
    lead = (await world.load(no)).lead
    assert lead is not None
    return await world.scoring.explainer.compute_delay_cost(lead, frozenset())


async def add_up(world: World, month: str) -> tuple[Fraction, ...]:
    """Return what U01 and U02 get for timeliness in a month."""
    sheets = [await world.scoring.compute_sheet(month, unit) for unit in ("U01", "U02")]
    lines = [
        {x["item"]: Fraction(x["score"]) for x in s["lines"] if x["item"] in ("sign", "on_time", "red_card")}
        for s in sheets
    ]
    return tuple(sum(scores.values(), Fraction(0)) for scores in lines)


@pytest.mark.parametrize(("sent", "due", "asked", "months"), CASES)
async def test_what_lateness_will_cost_is_the_difference_of_the_two_sheets_that_come_XD8(
    world: World, sent: tuple[int, int], due: tuple[int, int, int], asked: tuple[int, int], months: list[str]
) -> None:
    def at(month: int, day: int, hour: int = 9) -> datetime:
        return datetime(2026, month, day, hour, tzinfo=ZONE)

    world.at = at(*sent)
    for n in range(3):  # each unit has three other tickets in hand in every month
        for unit, by in (("U01", HANDLER), ("U02", LATER)):
            await assign(world, unit, by, f"{unit}{n}", at(12, 30, 17))
    for unit, by in (("U01", HANDLER), ("U02", LATER)):
        await assign(world, unit, by, unit, at(*due))
    costs: dict[str, Any] = {}

    async def reach(moment: datetime) -> None:
        """Move the clock on; ask on the way; the one unit closes just in time, the other gets its card."""
        for step, what in sorted([(at(*due), "due"), (at(*asked), "ask"), (moment, "end")]):
            if step > moment:
                continue
            world.at = max(world.at, step)
            if what == "ask":
                costs.update(await compute_cost(world, "U02"))
            elif what == "due":
                await close(world, HANDLER, "U01")
                world.at += timedelta(seconds=1)
                await world.act("red_card", SYSTEM, "U02")

    await reach(max(at(*due), at(*asked)) + timedelta(hours=1))
    await close(world, LATER, "U02")
    found = {one["month"]: Fraction(one["cost"]) for one in costs["months"]}
    assert list(found) == months and {i["month"] for i in costs["items"]} == set(months)
    assert sum(found.values(), Fraction(0)) == Fraction(costs["cost"]) > 0
    if asked < due[:2] and due[0] > asked[0]:
        return  # the sheet of a month that has not begun is not known: its cost is that of what is known
    for month, cost in found.items():
        in_time, late = await add_up(world, month)
        card_before = at(*due) < at(*asked) and due[0] == asked[0]
        sunk = Fraction(0) if not card_before else find_card_loss(await world.scoring.compute_sheet(month, "U02"))
        assert cost == in_time - late - sunk, costs


def find_card_loss(sheet: dict[str, Any]) -> Fraction:
    """Return what a card lost that was issued before anybody asked."""
    return next(Fraction(x["deduction"]) for x in sheet["lines"] if x["item"] == "red_card")


async def test_a_closed_ticket_and_one_that_is_not_scored_cost_nothing_XD8(world: World) -> None:
    world.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    await assign(world, "U01", HANDLER, "L1", datetime(2026, 11, 12, 17, tzinfo=ZONE))
    assert [i["item"] for i in (await compute_cost(world, "L1"))["items"]] == ["on_time", "red_card"]
    await close(world, HANDLER, "L1")
    assert (await compute_cost(world, "L1")) | {"unit": ""} == {
        "unit": "", "month": "2026-11", "items": [], "months": [], "cost": "0.00", "open": False,
    }  # fmt: skip
