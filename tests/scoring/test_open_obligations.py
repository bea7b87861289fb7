"""What is neither done nor late counts neither for nor against anybody, in any item, until it is decided (Q9, Q15)."""

from datetime import datetime, timedelta

import pytest

from tests.scoring.world import CLERK, HANDLER, NOV, REGIONS, World, find_line, find_unit
from tests.tickets.world import DISPATCHER, ZONE

TUESDAY = datetime(2026, 11, 10, 9, tzinfo=ZONE)  # a general ticket is to be signed by Wednesday 17:00


async def dispatch(world: World, no: str) -> None:
    await world.add_ticket(no)
    await world.act("dispatch", DISPATCHER, no, unit="U01")


async def get_pair(world: World, item: str, unit: str = "U01", settings: dict[str, str] | None = None):
    line = find_line(await world.scoring.compute_sheet(NOV, unit, settings=settings), item)
    return line["numerator"], line["denominator"]


async def test_a_ticket_dispatched_an_hour_ago_has_not_failed_to_be_signed(world: World) -> None:
    world.at = TUESDAY
    await dispatch(world, "L1")
    await world.act("sign", HANDLER, "L1")
    await dispatch(world, "L2")
    world.at += timedelta(hours=1)
    for month in ("dispatched", "due"):
        assert await get_pair(world, "sign", settings={"scoring.sign_month": month}) == (1, 1), month
    line = find_line(await world.scoring.compute_sheet(NOV, "U01"), "sign")
    assert line["evidence"] == [{"ticket": "L1", "failed": False}]
    world.at = TUESDAY.replace(day=11, hour=17) + timedelta(seconds=1)
    assert await get_pair(world, "sign") == (1, 2)  # the limit has passed, whether or not the watch has been there


async def test_a_demand_that_came_an_hour_ago_has_not_failed_to_be_dispatched(world: World) -> None:
    world.at = TUESDAY
    await dispatch(world, "L1")
    await world.add_ticket("L2")
    world.at += timedelta(hours=1)
    for month in ("generated", "due"):
        assert await get_pair(world, "dispatch", "M01", {"scoring.dispatch_month": month}) == (1, 1), month
    world.at = TUESDAY + timedelta(hours=12, seconds=1)
    assert await get_pair(world, "dispatch", "M01") == (1, 2)


async def test_whoever_has_nothing_done_and_nothing_late_has_no_score_and_the_sheet_says_why(world: World) -> None:
    world.at = TUESDAY
    await world.add_ticket("L1")
    institution = await world.scoring.compute_sheet(NOV, "M01")
    assert (institution["total"], institution["flags"]) == (None, ["undecided"])
    await world.act("dispatch", DISPATCHER, "L1", unit="U01")
    world.at += timedelta(hours=1)
    unit = await world.scoring.compute_sheet(NOV, "U01")
    assert (unit["total"], unit["raw_total"], unit["flags"]) == (None, None, ["undecided"])
    assert len(unit["lines"]) == 20
    assert (await world.scoring.compute_sheet(NOV, "U02"))["flags"] == ["no_assignment"]
    narrow = await world.scoring.compute_sheet(NOV, "U01", settings={"scoring.participation": "dispatched"})
    assert narrow["flags"] == ["undecided"]  # it was dispatched to, however that is counted
    await world.act("sign", HANDLER, "L1")
    assert (await world.scoring.compute_sheet(NOV, "U01"))["total"] == "100.00"


@pytest.mark.parametrize("aggregation", ["mean", "pooled"])
async def test_a_trial_run_of_an_unfinished_period_ranks_nobody_of_whom_nothing_is_decided(
    world: World, aggregation: str
) -> None:
    world.at = TUESDAY
    await dispatch(world, "L1")
    world.at += timedelta(hours=1)
    changed = {"region.aggregation": aggregation}
    for period in (NOV, "2026Q4"):
        result = await world.scoring.compute_period(period, settings=changed)
        unit, region = find_unit(result, "U01"), next(r for r in result["regions"] if r["region"] == "朝阳区")
        assert (unit["total"], unit["flags"]) == (None, ["undecided"]), period
        assert (region["total"], region["flags"]) == (None, ["undecided"])
        assert find_unit(result, REGIONS["朝阳区"])["total"] is not None
    assert [line["note"] for line in unit["lines"]] == ["no_assignment", "undecided"]
    run = await world.scoring.start_run(NOV, None, CLERK)
    assert find_unit(run, "U01")["total"] is None


async def test_what_is_in_hand_of_an_earlier_month_is_open_while_the_month_runs_and_scored_after_it_XD2(
    world: World,
) -> None:
    sent = datetime(2026, 10, 30, 9, tzinfo=ZONE)
    assignment = {"unit": "U01", "dispatched_at": sent.isoformat(), "signed_at": sent.isoformat(),
                  "close_due_at": "2026-12-04T17:00:00+08:00"}  # fmt: skip
    await world.import_history([{
        "ticket_no": "H1", "category": "help", "grade": "general", "region": "朝阳区", "generated_at": sent.isoformat(),
        "assignments": [assignment],
    }])  # fmt: skip
    running = await world.scoring.compute_sheet(NOV, "U01")
    assert (running["total"], running["flags"]) == (None, ["undecided"])
    over = await world.scoring.compute_sheet(NOV, "U01", as_of="2026-12-01T09:00:00+08:00")
    assert over["total"] == "100.00"
