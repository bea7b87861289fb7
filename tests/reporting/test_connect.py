"""接通情况 in documents, and an institution that reported nothing is named wherever its score stands (B15, XD14)."""

from typing import Any

from backend.domain.acts import Actor
from backend.domain.ticket_enums import Role
from backend.ports.scoring import ConnectCount
from backend.reporting.document import Document, format_cell
from backend.reporting.kinds import BulletinKind
from storage.engine.database import Database
from storage.importing.imports import SqlImportStore
from tests.reporting.world import World
from tests.scoring.world import CARRIED, NOV, OCT, RandomTickets, find_unit

CLERK = Actor("C1", Role.SCORE_CLERK, "M01")


async def open_world(database: Database) -> World:
    """Open a province with work in both institutions; M01 reports October, and M02 nothing."""
    world = await World(database).open()
    await world.import_history(RandomTickets(23).make(120))
    counts = [ConnectCount("M01", f"{OCT}-{day:02d}", "phone", 100, 90, 6) for day in range(1, 32)]
    counts += [ConnectCount("M01", f"{OCT}-01", "web", 50, 50), ConnectCount("M01", f"{OCT}-02", "web", 0, 0)]
    await SqlImportStore(world.db, world.ids).save_connect_counts(counts, "C1", world.at)
    return world


def read(document: Document) -> str:
    return "\n".join(getattr(block, "text", "") for block in document.blocks)


def list_rows(document: Document, sheet: str) -> list[list[str]]:
    return [[format_cell(c) for c in row] for t in document.tables if t.sheet == sheet for row in t.printed_rows]


async def test_a_monthly_bulletin_has_the_channels_and_names_who_reported_nothing_XD14(database: Database) -> None:
    world = await open_world(database)
    document = await world.compose(BulletinKind.MONTHLY, OCT)
    assert "接通率90.16%（2840/3150）" in read(document)
    assert "下列1个管理机构未报送接通数据：南关区热线。" in read(document)
    assert list_rows(document, "接通情况") == [
        ["电话", "3100", "2790", "186", "90.00%"], ["网站", "50", "50", "—", "100.00%"], ["合计", "3150", "2840", "186", "90.16%"],
    ]  # fmt: skip
    await world.add_ledger([{**CARRIED, "kind": "connect", "unit": "M02", "timely": 9, "total": 10}])
    document = await world.compose(BulletinKind.MONTHLY, OCT, issue=await world.open_issue(BulletinKind.MONTHLY, NOV))
    assert "未报送接通数据" not in read(document) and "（2849/3160）" in read(document)


async def test_a_ranking_remarks_on_it_and_names_the_months_XD14(database: Database) -> None:
    world = await open_world(database)
    quarter = await world.scoring.compute_period("2026Q4", evidence=False)
    assert [find_unit(quarter, unit)["flags"] for unit in ("M01", "M02", "U01")] == [["connect_unreported"]] * 2 + [[]]
    document = await world.compose(BulletinKind.QUARTERLY, "2026Q4")
    assert "朝阳区热线（2026-11）、南关区热线（2026-10、2026-11）" in read(document)  # December has not begun
    remarks = {row[1]: row[-1] for row in list_rows(document, "管理机构得分")}
    assert all("未报送接通数据" in remark for remark in remarks.values()) and len(remarks) == 2
    units: dict[str, Any] = {row[1]: row[-1] for row in list_rows(document, "第三组得分")}
    assert not any("接通" in remark for remark in units.values())


async def test_an_office_whose_institutions_are_not_scored_by_it_owes_no_counts_XD14(database: Database) -> None:
    world = await open_world(database)
    document = await world.compose(BulletinKind.ANALYSIS, OCT, {"profile": "beijing_mutual_aid"})
    assert "接通" not in read(document)
