"""超期 leaves out mass incidents, in the bulletin and on the desk: no limit of closing binds them (B37, XD10)."""

from datetime import datetime
from typing import Any

import pytest

from backend.ports.reporting import ReportPeriod
from backend.ports.ticket_queries import TicketFilter
from storage.engine.database import Database
from storage.reporting.bulletins import SqlBulletinStore
from storage.tickets.glance import SqlGlanceStore
from storage.tickets.queries import SqlQueryStore
from tests.scoring.world import World
from tests.tickets.world import ZONE

OCTOBER = ReportPeriod(
    datetime(2026, 10, 1, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE)
)


def overdue(no: str, *, mass: bool, **more: Any) -> dict[str, Any]:
    day = "2026-10-{:02d}T09:00:00+08:00".format
    one = {"unit": "U01", "lead": True, "dispatched_at": day(12), "signed_at": day(12), "close_due_at": day(20), **more}
    return {"ticket_no": no, "category": "help", "grade": "general", "region": "朝阳区", "generated_at": day(12),
            "mass_incident": mass, "assignments": [one]}  # fmt: skip


@pytest.mark.parametrize(("mass", "late"), [(False, 1), (True, 0)])
async def test_a_mass_incident_is_neither_due_nor_overdue_XD10(database: Database, mass: bool, late: int) -> None:
    world = await World(database).open()
    await world.import_history([overdue("A", mass=mass)])
    found = (await SqlBulletinStore(database, world.ids, world.encryption).count_figures([OCTOBER]))[0].in_hand
    assert [(row.open, row.due, row.overdue, row.red) for row in found] == [(1, late, late, late)]
    count, listed = await SqlGlanceStore(database).list_overdue(world.at, 10)
    assert (count, [one.ticket.ticket_no for one in listed]) == (late, ["A"] * late)
    page = await SqlQueryStore(database, world.encryption).list_tickets(TicketFilter(overdue=True), world.at)
    assert len(page.items) == late


async def test_a_mass_incident_never_signed_is_still_overdue_for_signing(database: Database) -> None:
    world = await World(database).open()
    due = world.at.replace(hour=20).isoformat()
    await world.import_history(
        [overdue("A", mass=True, dispatched_at=world.at.isoformat(), signed_at=None, close_due_at=due)]
    )
    world.at = world.at.replace(day=26)
    count, listed = await SqlGlanceStore(database).list_overdue(world.at, 10)
    assert (count, [str(one.kind) for one in listed]) == (1, ["sign"])
