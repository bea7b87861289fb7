"""Decisions that wait, supposed to be granted: the sheet as it would be is the sheet that then comes (B2, B34-B40)."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.domain.refusals import Refused
from backend.ports.moves import TicketRef
from storage.engine.database import Database
from tests.scoring.test_ledgers import CLERK, HANDLER, LIAISON, NOV, SECOND_CLERK
from tests.scoring.test_service import AGENT, DISPATCHER, REVIEWER, line, live
from tests.scoring.world import ZONE, World

Sheet = dict[str, Any]


@pytest.fixture
async def world(database: Database) -> World:
    opened = await World(database).open()
    opened.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    for no in ("L1", "L2"):
        await live(opened, no)
        await opened.act("dispatch", DISPATCHER, no, unit="U01")
    opened.at += timedelta(hours=1)
    for no in ("L1", "L2"):
        await opened.act("sign", HANDLER, no)
    return opened


async def _returning(world: World) -> None:
    await world.act("return", HANDLER, "L1", reason="不属于本单位", files=["f1"], signed_by="seal")


async def _extending(world: World) -> None:
    """Asked for in time, and not decided before the old limit is past by weeks."""
    due = await _due(world)
    await world.act("extend", HANDLER, "L1", new_due_at=due + timedelta(days=1), reason="等待配件",
                    requester_informed={"at": world.at, "way": "phone"})  # fmt: skip


async def _claiming(world: World) -> None:
    await world.act("close", HANDLER, "L1", text="已修复", way="phone", no_objection=True)
    for kind in ("auto", "manual"):
        await world.act("visit", AGENT, "L1", kind=kind, answer="unsatisfied", note="要求赔偿")
    await world.act("claim_unreasonable", HANDLER, "L1", reason="索赔没有依据", files=["f1"])


CASES: list[tuple[str, Callable[[World], Awaitable[None]], str, dict[str, Any], str]] = [
    ("return", _returning, "decide_return", {}, "return"),
    ("extension", _extending, "decide_extension", {}, ""),
    ("unreasonable", _claiming, "decide_unreasonable", {"class": "beyond_reason"}, "satisfaction"),
]


@pytest.mark.parametrize(("kind", "ask", "verb", "words", "item"), CASES)
async def test_what_would_be_is_what_comes(
    world: World, kind: str, ask: Callable[[World], Awaitable[None]], verb: str, words: dict[str, Any], item: str
) -> None:
    await ask(world)
    world.at += timedelta(minutes=1)
    before = await world.marks.compute_sheet(NOV, "U01")
    waiting = (await world.marks.explainer.list_pending(NOV, "U01", LIAISON))["requests"]
    assert [(w["kind"], w["ticket"]) for w in waiting] == [(kind, "L1")] and waiting[0]["asked_at"][-6:] == "+08:00"
    found = await world.marks.explainer.compute_what_if(NOV, "U01", LIAISON, requests=[waiting[0]["id"]])
    assert _counts(found["real"]) == _counts(before) == _counts(await world.marks.compute_sheet(NOV, "U01"))
    if item:
        assert item in {x["item"] for x in found["difference"]["lines"]}
    await world.act(verb, REVIEWER, "L1", accept=True, reason="属实", **words)
    after = await world.marks.compute_sheet(NOV, "U01")
    assert _counts(found["changed"]) == _counts(after) and found["changed"]["total"] == after["total"]
    assert (await world.marks.explainer.list_pending(NOV, "U01", LIAISON))["requests"] == []


async def test_a_recognised_claim_counts_as_the_setting_reads_it(world: World) -> None:
    await _claiming(world)
    waiting = (await world.marks.explainer.list_pending(NOV, "U01", CLERK))["requests"]
    for mode, counts in (("keep_in_denominator", (1, 1)), ("remove_both", (0, 0))):
        found = await world.marks.explainer.compute_what_if(
            NOV, "U01", CLERK, requests=[waiting[0]["id"]], settings={"scoring.unreasonable_mode": mode}
        )
        then = line(found["changed"], "satisfaction")
        assert (then["numerator"], then["denominator"]) == counts, mode


async def test_an_extension_granted_takes_back_the_lateness_that_waits_for_it(world: World) -> None:
    await _extending(world)
    world.at = await _due(world) + timedelta(hours=1)
    waiting = (await world.marks.explainer.list_pending(NOV, "U01", SECOND_CLERK))["requests"]
    late = {"scoring.closure_basis": "due"}
    now = await world.marks.compute_sheet(NOV, "U01", settings=late)
    found = await world.marks.explainer.compute_what_if(
        NOV, "U01", SECOND_CLERK, requests=[waiting[0]["id"]], settings=late
    )
    assert line(now, "on_time")["denominator"] == 2 and line(found["changed"], "on_time")["denominator"] == 1


async def test_only_what_waits_for_this_unit_may_be_supposed(world: World) -> None:
    await _returning(world)
    waiting = (await world.marks.explainer.list_pending(NOV, "U01", CLERK))["requests"]
    assert (await world.marks.explainer.list_pending(NOV, "U02", CLERK))["requests"] == []
    for unit, number in (("U02", waiting[0]["id"]), ("U01", 1)):
        with pytest.raises(Refused, match="unknown_entry"):
            await world.marks.explainer.compute_what_if(NOV, unit, CLERK, requests=[number])


async def _due(world: World) -> datetime:
    snap = await world.desk.moves.load(TicketRef(no="L1"))
    assert snap is not None and snap.lead is not None
    return snap.lead.close_due_at


def _counts(sheet: Sheet) -> dict[str, tuple[Any, ...]]:
    return {x["item"]: (x["numerator"], x["denominator"], x["score"]) for x in sheet["lines"]}
