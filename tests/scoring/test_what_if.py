"""What if a waiting request is granted: the sheet computed for it is the sheet that then comes (B2, B34-B40)."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.domain.refusals import Refused
from storage.engine.database import Database
from tests.scoring.world import AGENT, CLERK, HANDLER, LIAISON, NOV, SECOND_CLERK, Sheet, World, find_line
from tests.tickets.world import DISPATCHER, REVIEWER, ZONE


@pytest.fixture
async def world(database: Database) -> World:
    """Two tickets, signed by the unit."""
    opened = await World(database).open()
    opened.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    for no in ("L1", "L2"):
        await opened.add_ticket(no)
        await opened.act("dispatch", DISPATCHER, no, unit="U01")
    opened.at += timedelta(hours=1)
    for no in ("L1", "L2"):
        await opened.act("sign", HANDLER, no)
    return opened


async def _submit_return(world: World) -> None:
    await world.act("return", HANDLER, "L1", reason="不属于本单位", files=["f1"], signed_by="seal")


async def _request_extension(world: World) -> None:
    """Request it in time; it is decided long after the old limit."""
    due = await _load_due_time(world)
    await world.act("extend", HANDLER, "L1", new_due_at=due + timedelta(days=1), reason="等待配件",
                    requester_informed={"at": world.at, "way": "phone"})  # fmt: skip


async def _claim_unreasonable(world: World) -> None:
    await world.act("close", HANDLER, "L1", text="已修复", way="phone", no_objection=True)
    for kind in ("auto", "manual"):
        await world.act("visit", AGENT, "L1", kind=kind, answer="unsatisfied", note="要求赔偿")
    await world.act("claim_unreasonable", HANDLER, "L1", reason="索赔没有依据", files=["f1"])


CASES: list[tuple[str, Callable[[World], Awaitable[None]], str, dict[str, Any], str]] = [
    ("return", _submit_return, "decide_return", {}, "return"),
    ("extension", _request_extension, "decide_extension", {}, ""),
    ("unreasonable", _claim_unreasonable, "decide_unreasonable", {"class": "beyond_reason"}, "satisfaction"),
]


@pytest.mark.parametrize(("kind", "submit", "verb", "arguments", "item"), CASES)
async def test_the_sheet_computed_for_a_granted_request_is_the_sheet_that_then_comes(
    world: World,
    kind: str,
    submit: Callable[[World], Awaitable[None]],
    verb: str,
    arguments: dict[str, Any],
    item: str,
) -> None:
    await submit(world)
    world.at += timedelta(minutes=1)
    before = await world.scoring.compute_sheet(NOV, "U01")
    waiting = (await world.scoring.explainer.list_pending(NOV, "U01", LIAISON))["requests"]
    assert [(r["kind"], r["ticket"]) for r in waiting] == [(kind, "L1")] and waiting[0]["asked_at"][-6:] == "+08:00"
    what_if = await world.scoring.explainer.compute_what_if(NOV, "U01", LIAISON, requests=[waiting[0]["id"]])
    assert _counts(what_if["real"]) == _counts(before) == _counts(await world.scoring.compute_sheet(NOV, "U01"))
    if item:
        assert item in {x["item"] for x in what_if["difference"]["lines"]}
    await world.act(verb, REVIEWER, "L1", accept=True, reason="属实", **arguments)
    after = await world.scoring.compute_sheet(NOV, "U01")
    assert _counts(what_if["changed"]) == _counts(after) and what_if["changed"]["total"] == after["total"]
    assert (await world.scoring.explainer.list_pending(NOV, "U01", LIAISON))["requests"] == []


async def test_a_recognised_claim_counts_as_the_setting_says(world: World) -> None:
    await _claim_unreasonable(world)
    waiting = (await world.scoring.explainer.list_pending(NOV, "U01", CLERK))["requests"]
    for mode, counts in (("keep_in_denominator", (1, 1)), ("remove_both", (0, 0))):
        what_if = await world.scoring.explainer.compute_what_if(
            NOV, "U01", CLERK, requests=[waiting[0]["id"]], settings={"scoring.unreasonable_mode": mode}
        )
        satisfaction = find_line(what_if["changed"], "satisfaction")
        assert (satisfaction["numerator"], satisfaction["denominator"]) == counts, mode


async def test_a_granted_extension_takes_back_the_lateness_that_waits_for_it(world: World) -> None:
    await _request_extension(world)
    world.at = await _load_due_time(world) + timedelta(hours=1)
    waiting = (await world.scoring.explainer.list_pending(NOV, "U01", SECOND_CLERK))["requests"]
    late = {"scoring.closure_basis": "due"}
    present = await world.scoring.compute_sheet(NOV, "U01", settings=late)
    what_if = await world.scoring.explainer.compute_what_if(
        NOV, "U01", SECOND_CLERK, requests=[waiting[0]["id"]], settings=late
    )
    assert (
        find_line(present, "on_time")["denominator"] == 2
        and find_line(what_if["changed"], "on_time")["denominator"] == 1
    )


async def test_only_a_request_that_waits_for_this_unit_may_be_supposed_to_be_granted(world: World) -> None:
    await _submit_return(world)
    waiting = (await world.scoring.explainer.list_pending(NOV, "U01", CLERK))["requests"]
    assert (await world.scoring.explainer.list_pending(NOV, "U02", CLERK))["requests"] == []
    for unit, number in (("U02", waiting[0]["id"]), ("U01", 1)):
        with pytest.raises(Refused, match="unknown_entry"):
            await world.scoring.explainer.compute_what_if(NOV, unit, CLERK, requests=[number])


async def _load_due_time(world: World) -> datetime:
    lead = (await world.load("L1")).lead
    assert lead is not None
    return lead.close_due_at


def _counts(sheet: Sheet) -> dict[str, tuple[Any, ...]]:
    return {x["item"]: (x["numerator"], x["denominator"], x["score"]) for x in sheet["lines"]}
