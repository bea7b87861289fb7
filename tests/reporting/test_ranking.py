"""Quarterly ranking and annual assessment: shared ranks, bands, groups of their like, the unscored apart (B12, Q52)."""

from datetime import timedelta
from typing import Any

import pytest

from backend.domain.records import Unit
from backend.domain.settings import Settings
from backend.domain.texts import Texts
from backend.domain.ticket import UnitKind
from backend.ports.reporting import BulletinIssue
from backend.reporting import glance
from backend.reporting.compose import compose
from backend.reporting.document import Paragraph, Table, format_cell
from backend.reporting.kinds import BulletinKind
from backend.reporting.score_chapters import Scores, write_scores
from backend.reporting.writer import Writer
from backend.scoring.periods import parse_period
from storage.engine.database import Database
from tests.reporting.world import ADMIN, Book, Paper, room, world
from tests.scoring.world import CLERK

MONTHS = ("2026-10", "2026-11")
TOTALS = {"U1": ("95.00", 150), "U2": ("88.00", 120), "U3": ("95.00", 101), "U4": ("99.00", 40), "U5": ("70.00", 5),
          "U6": (None, 0), "P1": ("91.00", 60), "M1": ("87.11", 400)}  # fmt: skip


def _units() -> dict[str, Unit]:
    return {
        code: Unit(code, f"甲{code}", UnitKind.MANAGEMENT if code[0] == "M" else UnitKind.HANDLING,
                   "" if code[0] == "P" else "朝阳区", province_department=code[0] == "P")
        for code in TOTALS
    }  # fmt: skip


def _scores() -> Scores:
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


def _written(**changes: str) -> tuple[dict[str, Table], str]:
    w = Writer(Texts("zh_CN"))
    write_scores(w, _scores(), _units(), Settings({k.replace("__", "."): v for k, v in changes.items()}))
    return {b.sheet: b for b in w.blocks if isinstance(b, Table)}, "\n".join(
        b.text for b in w.blocks if isinstance(b, Paragraph)
    )


def _printed(table: Table) -> list[list[str]]:
    return [[format_cell(cell) for cell in row] for row in table.rows]


def test_equal_marks_share_a_rank_among_units_of_like_volume() -> None:
    tables, prose = _written()
    assert [row[:3] for row in _printed(tables["第一组得分"])] == [
        ["1", "甲U1", "150"],
        ["1", "甲U3", "101"],
        ["3", "甲U2", "120"],
    ]
    assert [row[1] for row in _printed(tables["第二组得分"])] == ["甲U4"]
    small = _printed(tables["第三组得分"])[0]
    assert small[1] == "甲U5" and small[-1] == "样本较小"
    assert [row[1] for row in _printed(tables["省直部门得分"])] == ["甲P1"]
    assert [row[1] for row in _printed(tables["管理机构得分"])] == ["甲M1"]
    assert _printed(tables["地区得分"])[0][:2] == ["1", "朝阳区"]
    assert "下列1个本期没有得分，不参加排列：甲U6。" in prose and "南关区" in prose
    assert "2026-10 定稿（第7号）、2026-11 试算" in prose
    assert _printed(tables["第一组得分"])[0][3:6] == ["95.00", "—", "95.00"]


@pytest.mark.parametrize(("key", "value", "large", "small"), [
    ("bulletin__peer_large", "110", ["甲U1", "甲U2"], ["甲U5"]),
    ("bulletin__peer_small", "50", ["甲U1", "甲U3", "甲U2"], ["甲U4", "甲U5"]),
])  # fmt: skip
def test_the_bounds_of_the_groups_are_settings(key: str, value: str, large: list[str], small: list[str]) -> None:
    """bulletin.peer_large, bulletin.peer_small."""
    tables, _ = _written(**{key: value})
    assert [row[1] for row in _printed(tables["第一组得分"])] == large
    assert [row[1] for row in _printed(tables["第三组得分"])] == small


def test_where_bands_are_chosen_no_rank_is_printed() -> None:
    """Q52."""
    settings = {"bulletin.ranking": "tiers"}
    tables, _ = _written(bulletin__ranking=settings["bulletin.ranking"])
    table = tables["第一组得分"]
    assert [c.title for c in table.columns][:2] == ["档次", "单位"]
    assert [row[:2] for row in _printed(table)] == [["优秀", "甲U1"], ["优秀", "甲U3"], ["良好", "甲U2"]]
    picture = glance.build_ranking(_scores(), parse_period("2026Q4"), Settings(settings), Texts("zh_CN"), "")
    assert picture is not None and [row[3] for row in picture.rows[:2]] == ["优秀", "优秀"]


def test_the_picture_ranks_units_and_says_that_trial_figures_are_in_it() -> None:
    picture = glance.build_ranking(_scores(), parse_period("2026Q4"), Settings(), Texts("zh_CN"), "")
    assert picture is not None
    assert [(row[0], row[3]) for row in picture.rows[:3]] == [("甲U4", "第1名"), ("甲U1", "第2名"), ("甲U3", "第2名")]
    assert "甲M1" not in {row[0] for row in picture.rows} and picture.subtitle == "含试算数据，以定稿为准"


async def test_a_quarter_and_its_pictures_agree_with_the_marks(database: Database) -> None:
    made, _ = await world(database, count=120)
    rooms = room(made)
    files = await rooms.make_quarter("2026Q4")
    true = {
        u["name"]: u["total"]
        for u in (await made.marks.compute_period("2026Q4", evidence=False))["units"]
        if u["total"]
    }
    paper, book = Paper(files[0][1]), Book(files[1][1])
    rows = [
        row for name, table in paper.tables.items() if "单位得分" in name or "机构得分" in name for row in table[1:]
    ]
    assert {row[1]: row[-3] for row in rows} == true
    sheets = [s for s in book.book.sheetnames if s.endswith("得分") and "地区" not in s]
    assert {str(r[1]): f"{r[-3]:.2f}" for s in sheets for r in book.rows(s)} == true
    for drawn in (await rooms.render_glance("2026-10"), await rooms.render_ranking("2026Q4")):
        assert drawn is not None and drawn.startswith(b"\x89PNG")


async def test_a_locked_month_counts_as_it_was_locked_and_the_paper_says_so(database: Database) -> None:
    """B3, B12."""
    made, _ = await world(database, count=40)
    run = await made.marks.start_run("2026-10", None, CLERK)
    made.at += timedelta(days=30)
    locked = await made.marks.lock_run(run["id"], ADMIN, force=True, reason="期末决定，电话13812345678已告知")
    assert locked["state"] == "locked"
    await database.write(lambda c: c.exec_driver_sql("UPDATE duties SET outcome = 'late' WHERE kind = 'sign'") and None)
    rooms = room(made)
    material = await rooms._gatherer.gather(BulletinKind.QUARTERLY, "2026Q4", {}, None)
    assert material.scores is not None and material.scores.month_runs["2026-10"] == run["id"]
    kept = {u["unit"]: u["total"] for u in locked["units"]}
    assert {u: months["2026-10"] for u, months in material.scores.months.items() if u in kept} == kept
    issue = BulletinIssue(1, BulletinKind.QUARTERLY, "2026Q4", 2026, 1, 1, "making", made.at, "A1")
    words = str(compose(material, issue, Texts("zh_CN")).blocks)
    assert f"2026-10 定稿（第{run['id']}号）" in words and "2026-11 试算" in words
    assert f"2026-10 得分（第{run['id']}号）由管理员强制定稿，理由：期末决定" in words  # XD4
    assert "13812345678" not in words
