"""Quarterly ranking and annual assessment: shared ranks, tiers, peer groups, units without a score apart (B12, Q52)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.records import Unit
from backend.domain.settings import Settings
from backend.domain.texts import Texts
from backend.domain.ticket_enums import UnitKind
from backend.ports.reporting import BulletinIssue
from backend.reporting import glance
from backend.reporting.compose import compose
from backend.reporting.document import Paragraph, Table, format_cell
from backend.reporting.document_builder import Writer
from backend.reporting.kinds import BulletinKind
from backend.reporting.score_chapters import Scores, write_scores, write_status
from backend.scoring.periods import parse_period
from storage.engine.database import Database
from tests.reporting.world import ADMIN, WordDocument, Workbook, World, open_world
from tests.scoring.world import CLERK, find_unit

MONTHS = ("2026-10", "2026-11")
TOTALS = {"U1": ("95.00", 150), "U2": ("88.00", 120), "U3": ("95.00", 101), "U4": ("99.00", 40), "U5": ("70.00", 5),
          "U6": (None, 0), "P1": ("91.00", 60), "M1": ("87.11", 400),
          "M2": (None, 0)}  # fmt: skip


def build_units() -> dict[str, Unit]:
    return {
        code: Unit(code, f"甲{code}", UnitKind.MANAGEMENT if code[0] == "M" else UnitKind.HANDLING,
                   "" if code[0] == "P" else "朝阳区", province_department=code[0] == "P")
        for code in TOTALS
    }  # fmt: skip


def build_scores() -> Scores:
    def tier(total: str | None) -> str | None:
        return None if total is None else "excellent" if total >= "95" else "good" if total >= "85" else "fair"

    units: list[dict[str, Any]] = [
        {
            "unit": code,
            "name": f"甲{code}",
            "total": total,
            "tier": tier(total),
            "of": "jilin-mgmt" if code[0] == "M" else "jilin-unit",
        }
        for code, (total, _) in TOTALS.items()
    ]
    regions = [
        {"region": "朝阳区", "total": "73.85", "tier": "fair"},
        {"region": "南关区", "total": None, "tier": None},
    ]
    months: dict[str, dict[str, str | None]] = {
        code: {MONTHS[0]: total, MONTHS[1]: None} for code, (total, _) in TOTALS.items()
    }
    return Scores(units, regions, months, {c: n for c, (_, n) in TOTALS.items()}, frozenset({"U5"}),
                  {MONTHS[0]: 7, MONTHS[1]: None}, None, MONTHS)  # fmt: skip


def write(settings: Mapping[str, str] | None = None) -> tuple[dict[str, Table], str]:
    """Write the chapters of scores; return their tables by sheet, and their paragraphs."""
    writer = Writer(Texts("zh_CN"))
    write_status(writer, build_scores())
    write_scores(writer, build_scores(), build_units(), Settings(settings or {}))
    paragraphs = "\n".join(block.text for block in writer.blocks if isinstance(block, Paragraph))
    return {block.sheet: block for block in writer.blocks if isinstance(block, Table)}, paragraphs


def format_rows(table: Table) -> list[list[str]]:
    return [[format_cell(cell) for cell in row] for row in table.rows]


def test_a_unit_whose_limits_have_not_come_is_not_said_to_have_taken_no_part() -> None:
    scores, writer = build_scores(), Writer(Texts("zh_CN"))
    scores = replace(
        scores, units=[{**r, "flags": ["undecided"]} if r["unit"] in ("U6", "M2") else r for r in scores.units]
    )
    write_scores(writer, scores, build_units(), Settings({}))
    paragraphs = "\n".join(block.text for block in writer.blocks if isinstance(block, Paragraph))
    assert "下列2个单位各项期限均未届满，暂不计分，不参加排列：甲U6、甲M2。" in paragraphs
    assert "没有参与办理" not in paragraphs


def test_equal_scores_share_a_rank_among_units_of_like_volume() -> None:
    tables, paragraphs = write()
    assert [row[:3] for row in format_rows(tables["第一组得分"])] == [
        ["1", "甲U1", "150"],
        ["1", "甲U3", "101"],
        ["3", "甲U2", "120"],
    ]
    assert [row[1] for row in format_rows(tables["第二组得分"])] == ["甲U4"]
    small = format_rows(tables["第三组得分"])[0]
    assert small[1] == "甲U5" and small[-1] == "样本较小、11月没有得分"
    assert [row[1] for row in format_rows(tables["省直部门得分"])] == ["甲P1"]
    assert [row[1] for row in format_rows(tables["管理机构得分"])] == ["甲M1"]
    assert format_rows(tables["地区得分"])[0][:2] == ["1", "朝阳区"]
    assert "下列1个单位各月都没有参与办理的工单，没有得分，不参加排列：甲U6。" in paragraphs and "南关区" in paragraphs
    assert "下列1个管理机构各月都没有派单数据和台账，也未报送接通数据，没有得分，不参加排列：甲M2。" in paragraphs
    assert "2026-10 定稿（第7号）、2026-11 试算" in paragraphs
    assert format_rows(tables["第一组得分"])[0][3:6] == ["95.00", "—", "95.00"]


@pytest.mark.parametrize(("key", "value", "large", "small"), [
    ("bulletin.peer_large", "110", ["甲U1", "甲U2"], ["甲U5"]),
    ("bulletin.peer_small", "50", ["甲U1", "甲U3", "甲U2"], ["甲U4", "甲U5"]),
])  # fmt: skip
def test_the_bounds_of_the_peer_groups_are_settings(key: str, value: str, large: list[str], small: list[str]) -> None:
    tables, _ = write({key: value})
    assert [row[1] for row in format_rows(tables["第一组得分"])] == large
    assert [row[1] for row in format_rows(tables["第三组得分"])] == small


def test_where_tiers_are_chosen_no_rank_is_printed_Q52() -> None:
    settings = {"bulletin.ranking": "tiers"}
    tables, _ = write(settings)
    table = tables["第一组得分"]
    assert [c.title for c in table.columns][:2] == ["档次", "单位"]
    assert [row[:2] for row in format_rows(table)] == [["优秀", "甲U1"], ["优秀", "甲U3"], ["良好", "甲U2"]]
    chart = glance.build_ranking(
        build_scores(), parse_period("2026Q4"), Settings(settings), Texts("zh_CN"), "", build_units()
    )
    assert chart is not None and [row[3] for row in chart.rows[:2]] == ["优秀", "优秀"]


def test_the_chart_ranks_units_and_says_that_trial_figures_are_in_it() -> None:
    chart = glance.build_ranking(build_scores(), parse_period("2026Q4"), Settings(), Texts("zh_CN"), "", build_units())
    assert chart is not None
    assert [(row[0], row[3]) for row in chart.rows[:3]] == [("甲U4", "第1名"), ("甲U1", "第2名"), ("甲U3", "第2名")]
    assert "甲M1" not in {row[0] for row in chart.rows} and chart.subtitle == "含试算数据，以定稿为准"


async def test_a_quarters_documents_print_the_scores_and_its_charts_are_images(database: Database) -> None:
    world, _ = await open_world(database, count=120)
    files = await world.reporting.make_quarter("2026Q4")
    result = await world.scoring.compute_period("2026Q4", evidence=False)
    expected = {unit["name"]: unit["total"] for unit in result["units"] if unit["total"]}
    document, workbook = WordDocument(files[0][1]), Workbook(files[1][1])
    tables = [table for name, table in document.tables.items() if "单位得分" in name or "机构得分" in name]
    rows = [row for table in tables for row in table[1:]]
    assert {row[1]: row[-3] for row in rows} == expected
    sheets = [s for s in workbook.book.sheetnames if s.endswith("得分") and "地区" not in s]
    assert {str(r[1]): f"{r[-3]:.2f}" for s in sheets for r in workbook.rows(s)} == expected
    for image in (await world.reporting.render_glance("2026-10"), await world.reporting.render_ranking("2026Q4")):
        assert image is not None and image.startswith(b"\x89PNG")


async def test_a_locked_month_counts_as_it_was_locked_and_the_document_says_so_B3_B12(database: Database) -> None:
    world, _ = await open_world(database, count=40)
    run = await world.scoring.start_run("2026-10", None, CLERK)
    world.at += timedelta(days=30)
    locked = await world.scoring.lock_run(run["id"], ADMIN, force=True, reason="期末决定，电话13812345678已告知")
    assert locked["state"] == "locked"
    await database.write(lambda c: c.exec_driver_sql("UPDATE duties SET outcome = 'late' WHERE kind = 'sign'") and None)
    material = await world.gather(BulletinKind.QUARTERLY, "2026Q4")
    assert material.scores is not None and material.scores.month_runs["2026-10"] == run["id"]
    kept = {u["unit"]: u["total"] for u in locked["units"]}
    assert {u: months["2026-10"] for u, months in material.scores.months.items() if u in kept} == kept
    issue = BulletinIssue(1, BulletinKind.QUARTERLY, "2026Q4", 2026, 1, 1, "making", world.at, "A1")
    text = str(compose(material, issue, world.texts).blocks)
    assert f"2026-10 定稿（第{run['id']}号）" in text and "2026-11 试算" in text
    assert f"2026-10 得分（第{run['id']}号）由管理员强制定稿，理由：期末决定" in text  # XD4
    assert "13812345678" not in text


async def test_a_score_with_deductions_but_nothing_due_to_be_closed_has_that_said_beside_it(database: Database) -> None:
    world = await World(database).open()
    lead = {"unit": "U01", "dispatched_at": "2026-10-12T09:00:00+08:00", "signed_at": "2026-10-20T09:00:00+08:00",
            "close_due_at": "2026-12-31T17:00:00+08:00"}  # fmt: skip
    ticket = {"ticket_no": "T1", "category": "help", "grade": "general", "channel": "phone", "region": "朝阳区", "text": "路灯不亮",
              "generated_at": "2026-10-12T08:00:00+08:00", "assignments": [lead]}  # fmt: skip
    await world.import_history([ticket])
    await world.add_ledger([{"kind": "exposure"}])
    sheet = find_unit(await world.scoring.compute_month("2026-10"), "U01")
    lost = {line["item"] for line in sheet["lines"] if line["deduction"] != "0.00"}
    assert sheet["flags"] == ["small_sample", "nothing_due"] and {"sign", "exposure"} & lost and sheet["total"], lost
    files = await world.reporting.make_quarter("2026Q4")
    document, workbook = WordDocument(files[0][1]), Workbook(files[1][1])
    printed = [row for table in document.tables.values() for row in table if "单位U01" in row and "没有得分" in row[-1]]
    filled = [row for name in workbook.book.sheetnames for row in workbook.rows(name) if "单位U01" in row]
    for row in (*printed, *(row for row in filled if "没有得分" in str(row[-1]))):
        assert "10月没有到期应办结的工单" in str(row[-1]), row
    assert printed and filled
