"""How a bulletin looks: totals, one sign for one thing, GB/T 9704, a note on the groups, tickets in an annex (XD21)."""

import io
from typing import Any

import pytest
from docx.enum.text import WD_ALIGN_PARAGRAPH as Align
from docx.shared import Mm, Pt

from backend.domain.texts import Texts
from backend.reporting.document import Annex, Document, Heading, Paragraph, Table, format_cell
from backend.reporting.document_builder import Writer
from backend.reporting.docx import render_docx
from backend.reporting.figures import Ratio
from backend.reporting.kinds import BulletinKind
from backend.reporting.pdf import _build_data
from storage.engine.database import Database
from tests.reporting.world import ADMIN, MONTH, WordDocument, Workbook, open_world

DASH = "—"


async def test_what_adds_up_has_a_total_in_document_and_workbook_XD21(database: Database) -> None:
    world, _ = await open_world(database)
    _, files = await world.reporting.make(MONTH, by=ADMIN)
    document, workbook = WordDocument(files[0][1]), Workbook(files[1][1])
    added = {"来源渠道": "按来源渠道统计的受理量", "诉求类别": "按诉求类别统计的受理量", "工单级别": "按工单级别统计的受理量",
             "地区受理": "按地区统计的受理量", "单位办理情况": "各承办单位办理情况（按单位编码排列）", "回访结果": "回访结果"}  # fmt: skip
    for sheet, caption in added.items():
        total, rows = workbook.find_total(sheet), workbook.rows(sheet)
        assert total is not None, sheet
        printed = document.tables[caption][-1]
        assert printed[0] == "合计" and printed[1] == str(total[1]) == str(sum(row[1] for row in rows))
        for place, value in enumerate(total[1:], start=1):
            counts = [row[place] for row in rows if isinstance(row[place], int)]
            assert value == (1 if "%" in printed[place] else sum(counts)), (sheet, place)
        assert str(workbook.formulas[sheet].cell(4 + len(rows), 2).value).startswith("=SUM(")
    for alone in ("主要指标", "诉求地点"):
        # rates and places do not add up
        assert alone not in workbook.book.sheetnames or workbook.find_total(alone) is None


def test_a_total_of_rates_is_the_rate_of_the_added_counts_XD21() -> None:
    w = Writer(Texts("zh_CN"))
    columns = [w.make_column("unit"), w.make_column("response_of"), w.make_column("response_all"),
               w.make_column("response", ratio=(1, 2))]  # fmt: skip
    rows = [("甲", 1, 2, Ratio(1, 2).percent), ("乙", 0, 0, Ratio(0, 0).percent), ("丙", 2, 2, Ratio(2, 2).percent)]
    table = w.add_table("agencies", columns, rows, total=True)
    assert table is not None and [format_cell(cell) for cell in table.total] == ["合计", "3", "4", "75.00%"]
    nothing = w.add_table("agencies", columns, rows[1:2] * 2, total=True)
    assert nothing is not None and [format_cell(cell) for cell in nothing.total] == ["合计", "0", "0", DASH]


async def test_a_period_without_data_is_a_dash_everywhere_and_nothing_happened_is_a_zero_XD21(
    database: Database,
) -> None:
    world, _ = await open_world(database)
    document = await world.compose(BulletinKind.MONTHLY, "2026-08")  # there was nothing in July, nor a year before
    tables = {t.sheet: t for t in document.tables}
    overview = {format_cell(row[0]): [format_cell(cell) for cell in row] for row in tables["主要指标"].rows}
    assert all(row[2] == row[4] == DASH for row in overview.values())
    for sheet in ("来源渠道", "诉求类别", "工单级别", "地区受理"):
        assert {format_cell(row[3]) for row in tables[sheet].printed_rows} == {DASH}, sheet
    assert all(cell is not None for row in tables["单位办理情况"].printed_rows for cell in row)
    assert "“0”表示没有发生" in "".join(b.text for b in document.blocks if isinstance(b, Paragraph))


async def test_tickets_stand_in_an_annex_after_the_body_XD21(database: Database) -> None:
    world, _ = await open_world(database)
    document = await world.compose(BulletinKind.MONTHLY, MONTH)
    blocks = list(document.blocks)
    (start,) = [n for n, block in enumerate(blocks) if isinstance(block, Annex)]
    assert not [b for b in blocks[start:] if isinstance(b, (Heading, Paragraph))]
    after, before = blocks[start + 1 :], blocks[:start]
    assert [b.sheet for b in after if isinstance(b, Table)] == ["逐件评议"]
    assert "工单尾号" not in {c.title for b in before if isinstance(b, Table) and not b.annex for c in b.columns}
    kinds = [block["kind"] for block in _build_data(document)["blocks"]]
    assert kinds[-2:] == ["annex", "table"]
    assert "逐件情况见附件" in "".join(b.text for b in before if isinstance(b, Paragraph))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_document_has_the_measures_of_an_official_document_GB_T_9704_XD21(database: Database) -> None:
    world, _ = await open_world(database, count=40)
    document = await world.compose(BulletinKind.QUARTERLY, "2026Q4")
    doc: Any = WordDocument(render_docx(document, draw_blank_charts(document))).doc
    section = doc.sections[0]
    sides = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(side.mm) for side in sides] == [37, 35, 28, 26]
    assert (section.page_width.mm - 28 - 26, section.page_height.mm - 37 - 35) == pytest.approx((156, 225), abs=0.1)
    body = doc.styles["Body Text"]
    assert body.font.size == Pt(16) and body.paragraph_format.line_spacing.pt * 22 <= Mm(225).pt
    for name in ("Body Text", "Heading 1", "Heading 2"):  # 28 characters of 16 pt on a line, two of them indent
        style = doc.styles[name]
        assert (style.font.size, style.paragraph_format.first_line_indent) == (Pt(16), Pt(32)), name
    headings = [p for p in doc.paragraphs if p.style.name.startswith("Heading")]
    assert headings and not [p for p in headings if p.paragraph_format.first_line_indent or p.text != p.text.lstrip()]
    assert doc.settings.odd_and_even_pages_header_footer
    feet = (section.footer.paragraphs[0], section.even_page_footer.paragraphs[0])
    assert [foot.alignment for foot in feet] == [Align.RIGHT, Align.LEFT]
    assert {run.font.size for foot in feet for run in foot.runs} == {Pt(14)}
    title = next(p for p in doc.paragraphs if p.style.name == "Title")
    assert title.runs[0].font.size == Pt(22)
    text = "".join(p.text for p in doc.paragraphs)
    assert "分组标准（100件、30件）由管理机构设置" in text


def draw_blank_charts(document: Document) -> list[bytes]:
    """Return a blank image for every chart."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return [out.getvalue() for _ in document.charts]
