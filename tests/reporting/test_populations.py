"""Every sentence of a bulletin names one population: figures of different tickets do not share one (B11, XD17)."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.domain.texts import Texts
from backend.ports.reporting import BulletinIssue
from backend.reporting.document import Paragraph
from backend.reporting.kinds import BulletinKind
from storage.engine.database import Database
from tests.reporting.world import World
from tests.tickets.world import ZONE

#: sentence → its figures by what they are counted over
POPULATIONS: dict[str, dict[str, str]] = {
    "received": {"received": "count before year urgent direct mass repeated"},
    "received_apart": {"received": "merged cancelled"},
    "dispatched": {"dispatched": "tickets given assists", "dispatch rate": "rate", "generated": "waited hours"},
    "returned": {"asked": "asked accepted refused withdrawn open", "received": "bounced"},
    "signed": {"sign rate": "rate", "dispatched": "auto waiting"},
    "closed": {"due": "due", "closed": "closed once twice explained", "closing rate": "rate"},
    "cards": {"issued": "yellow red", "in hand": "open overdue"},
    "visited": {"visited": "visited reached", "satisfaction rate": "rate rated_reached rated_answered rated_deemed"},
    "second": {"doubted": "doubted manual good bad deemed", "visited": "excluded"},
    "hot": {"received": "category count rate region region_count repeated mass urgent"},
    "supervised": {"orders": "orders timely late open void"},
    "reviewed": {"reviewed": "count unsatisfied red done"},
}


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("key", POPULATIONS)
def test_a_sentence_has_figures_of_one_population_XD17(key: str, language: str) -> None:
    of = {figure: name for name, figures in POPULATIONS[key].items() for figure in figures.split()}
    sentences = re.split(r"。|\. |\.$", Texts(language).get_template(f"bulletin.{key}"))
    counted = [{of[figure] for figure in re.findall(r"{(\w+)}", sentence)} for sentence in sentences]
    assert max(map(len, counted)) == 1, counted
    assert set().union(*counted) == set(POPULATIONS[key])


async def test_the_time_to_dispatch_is_that_of_the_tickets_it_is_said_of_XD17(database: Database) -> None:
    """One ticket of October is dispatched in November; two of November are not dispatched, or after three hours."""
    world = await World(database).open()

    def build_record(no: str, born: datetime, hours: float | None) -> dict[str, Any]:
        entry = {} if hours is None else {
            "assignments": [{"unit": "U01", "dispatched_at": (born + timedelta(hours=hours)).isoformat()}]
        }  # fmt: skip
        return {"ticket_no": no, "category": "help", "grade": "general", "channel": "phone", "region": "朝阳区",
                "generated_at": born.isoformat(), "text": "路灯不亮", **entry}  # fmt: skip

    october, november = datetime(2026, 10, 31, 9, tzinfo=ZONE), datetime(2026, 11, 9, 9, tzinfo=ZONE)
    await world.import_history([build_record("A", october, 27.71), build_record("B", november, None)])
    assert (
        await find_dispatching(world, "2026-11")
        == "当期派出工单1件，合计1件次（含协办0件次）。应计入当期的工单，及时派单率0.00%（0/1）。"
    )
    await world.import_history([build_record("C", november, 3)])
    assert (await find_dispatching(world, "2026-11")).endswith(
        "当期生成的工单中，已派出1件，从生成到派出平均用时3.00小时。"
    )
    assert "已派出1件，从生成到派出平均用时27.71小时" in await find_dispatching(world, "2026-10")


async def find_dispatching(world: World, month: str) -> str:
    """Return the paragraph on dispatching."""
    issue = BulletinIssue(1, BulletinKind.MONTHLY, month, 2026, 1, 1, "making", world.at, "A1")
    blocks = (await world.compose(BulletinKind.MONTHLY, month, issue=issue)).blocks
    return next(block.text for block in blocks if isinstance(block, Paragraph) and "及时派单率" in block.text)
