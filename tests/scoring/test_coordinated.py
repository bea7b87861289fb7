"""One draft a month lists the flagged matters whose requesters were expressly satisfied (B27, XD11)."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from tests.scoring.world import AGENT, CLERK, HANDLER, NOV, World
from tests.tickets.world import DISPATCHER, ZONE

#: flags, grade, answer → whether it is a flagged matter with an explicit yes
MATTERS: tuple[tuple[dict[str, bool], str, str, bool], ...] = (
    ({"hard_case": True}, "general", "satisfied", True),
    ({"hard_case": True}, "urgent", "basically_satisfied", True),
    ({"mass_incident": True}, "general", "satisfied", True),
    ({}, "urgent", "satisfied", False),
    ({"hard_case": True}, "general", "unsatisfied", False),
    ({}, "general", "satisfied", False),
)


@pytest.fixture
async def world(world: World) -> World:
    """Return the province on a day of November."""
    world.at = datetime(2026, 11, 9, 9, tzinfo=ZONE)
    return world


async def settle(world: World, no: str, flags: dict[str, bool], grade: str, answer: str) -> None:
    """Close a ticket and ask its requester."""
    await world.add_ticket(no)
    await world.act("dispatch", DISPATCHER, no, unit="U01")
    await world.act("sign", HANDLER, no)
    await world.act("close", HANDLER, no, text="已修复", way="phone", no_objection=True)
    await world.act("visit", AGENT, no, kind="manual", answer=answer, note="电话回访")

    def mark(c: Any) -> None:
        c.execute(text("UPDATE tickets SET grade = :g WHERE ticket_no = :no"), {"g": grade, "no": no})
        for flag in flags:
            c.execute(text("UPDATE tickets SET flags = :f WHERE ticket_no = :no"), {"f": flag, "no": no})

    await world.db.write(mark)


async def test_only_flagged_matters_are_drafted_and_in_one_line_with_its_list_XD11(world: World) -> None:
    for n, matter in enumerate(MATTERS):
        await settle(world, f"L{n}", *matter[:3])
    wanted = [f"L{n}" for n, matter in enumerate(MATTERS) if matter[3]]
    await world.scoring.ledger_drafts.draft_month(NOV)
    assert await world.scoring.ledger_drafts.draft_month(NOV) == 0

    async def lines() -> list[dict[str, Any]]:
        return (await world.scoring.ledgers.list_lines(CLERK, month=NOV, kind="coordinated"))[0]

    (draft,) = await lines()
    assert (draft["unit"], draft["count"], sorted(draft["tickets"]), draft["state"]) == ("M01", 3, wanted, "draft")
    assert all(no in draft["note"] for no in wanted)
    await settle(world, "L8", *MATTERS[0][:3])
    await world.scoring.ledger_drafts.draft_month(NOV)
    (draft,) = await lines()
    assert (draft["count"], sorted(draft["tickets"])) == (4, [*wanted, "L8"])  # undecided, it grows
    await world.scoring.review_ledger(draft["id"], True, CLERK)
    await settle(world, "L9", *MATTERS[2][:3])
    await world.scoring.ledger_drafts.draft_month(NOV)
    newer, older = await lines()
    assert (older["state"], newer["state"], newer["tickets"]) == ("accepted", "draft", ["L9"])  # what came later
