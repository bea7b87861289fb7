"""Render a document as DOCX in the official form (GB/T 9704): red head, real headings, captions, page numbers."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from docx import Document as new_document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as Align
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Mm, Pt, RGBColor

from backend.domain.masking import clean
from backend.reporting.document import Annex, Chart, Document, Heading, Paragraph, Table, format_cell

BODY, BLACK, KAI, TITLE = "FangSong", "SimHei", "KaiTi", "SimSun"
LATIN = "Times New Roman"
RED = RGBColor(0xC0, 0, 0)
#: Points; GB/T 9704: body 三号 16, title 二号 22, page number and 版记 四号 14, 22 lines on 225 mm.
SIZES = {"body": 16, "table": 10, "caption": 11, "title": 22, "masthead": 40, "foot": 14}
LINE = 28.95  # points from line to line
WIDTH = 156.0  # mm between the margins


def render_docx(document: Document, pictures: Sequence[bytes]) -> bytes:
    """Render the DOCX; `pictures` are the charts as PNG, in order."""
    doc = new_document()
    _set_styles(doc, document.labels.language)
    _set_page(doc)
    properties = doc.core_properties
    properties.title, properties.author, properties.language = document.title, document.issuer, document.labels.language
    properties.comments = ""
    _add_head(doc, document)
    images, tables, figures = iter(pictures), 0, 0
    for block in document.blocks:
        match block:
            case Heading():
                doc.add_heading(clean(block.text), block.level)
            case Paragraph():
                doc.add_paragraph(clean(block.text), style="Body Text")
            case Annex():
                _add_annex(doc, block)
            case Table() if not block.annex:
                tables += 1
                _add_caption(doc, document.labels.table, tables, block.caption, keep=True)
                _add_table(doc, block)
            case Chart():
                figures += 1
                _add_picture(doc, next(images), block)
                _add_caption(doc, document.labels.figure, figures, block.caption, keep=False)
            case _:
                pass
    _add_foot(doc, document)
    out = io.BytesIO()
    doc.save(out)
    return out.getvalue()


def _set_styles(doc: Any, language: str) -> None:
    styles = doc.styles
    _set_font(styles["Normal"], BODY, SIZES["body"])
    styles["Normal"].paragraph_format.space_after = Pt(0)
    body = styles["Body Text"]
    _set_font(body, BODY, SIZES["body"])
    body.paragraph_format.first_line_indent = Pt(SIZES["body"] * 2) if language == "zh" else None
    body.paragraph_format.line_spacing = Pt(LINE)
    body.paragraph_format.space_after = Pt(0)
    for name, family in (("Heading 1", BLACK), ("Heading 2", KAI)):
        style = styles[name]
        _set_font(style, family, SIZES["body"])
        style.font.bold = name == "Heading 2"
        style.font.color.rgb = RGBColor(0, 0, 0)
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(10), Pt(4)
        style.paragraph_format.first_line_indent = Pt(SIZES["body"] * 2) if language == "zh" else None
        style.paragraph_format.keep_with_next = True
    _set_font(styles["Caption"], BLACK, SIZES["caption"])
    styles["Caption"].font.color.rgb = RGBColor(0, 0, 0)
    styles["Caption"].font.bold = False


def _set_font(style: Any, family: str, size: float) -> None:
    style.font.name, style.font.size = LATIN, Pt(size)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(attribute), None)
    fonts.set(qn("w:eastAsia"), family)


def _set_page(doc: Any) -> None:
    section = doc.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(23)  # 7 mm under the text
    doc.settings.odd_and_even_pages_header_footer = True
    for footer, side in ((section.footer, Align.RIGHT), (section.even_page_footer, Align.LEFT)):
        foot = footer.paragraphs[0]
        foot.alignment = side  # odd pages right, even ones left, one character in
        foot.paragraph_format.left_indent = foot.paragraph_format.right_indent = Pt(SIZES["foot"])
        _add_run(foot, "— ", TITLE, SIZES["foot"])
        _add_field(foot, "PAGE", "1", SIZES["foot"])
        _add_run(foot, " —", TITLE, SIZES["foot"])


def _add_run(paragraph: Any, text: str, family: str, size: float, *, bold: bool = False, color: Any = None) -> Any:
    run = paragraph.add_run(clean(text))
    run.font.name, run.font.size, run.font.bold = LATIN, Pt(size), bold
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), family)
    if color is not None:
        run.font.color.rgb = color
    return run


def _add_field(paragraph: Any, code: str, value: str, size: float | None = None) -> None:
    """Add a field that Word updates (page and caption numbers), with its current value."""
    for kind in ("begin", "code", "separate", "value", "end"):
        run = paragraph.add_run(value if kind == "value" else "")
        if size:
            run.font.size, run.font.name = Pt(size), LATIN
        if kind == "code":
            instruction = OxmlElement("w:instrText")
            instruction.set(qn("xml:space"), "preserve")
            instruction.text = f" {code} "
            run._element.append(instruction)
        elif kind != "value":
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._element.append(mark)


def _add_head(doc: Any, document: Document) -> None:
    masthead = doc.add_paragraph()
    masthead.alignment = Align.CENTER
    size = SIZES["masthead"] if len(document.masthead) <= 12 else 28
    _add_run(masthead, document.masthead, TITLE, size, bold=True, color=RED)
    issue = doc.add_paragraph()
    issue.alignment = Align.CENTER
    issue.paragraph_format.space_before = issue.paragraph_format.space_after = Pt(8)
    _add_run(issue, document.issue_line, BODY, SIZES["body"])
    line = doc.add_paragraph()
    line.paragraph_format.tab_stops.add_tab_stop(Mm(WIDTH), alignment=2)
    _add_run(line, f"{document.issuer}\t{document.date}", BODY, SIZES["body"])
    _add_border(line, "bottom", "C00000", 18)
    title = doc.add_paragraph(style="Title")
    title.alignment = Align.CENTER
    title.paragraph_format.space_before, title.paragraph_format.space_after = Pt(22), Pt(16)
    for border in title.style.element.iter(qn("w:pBdr")):
        border.getparent().remove(border)
        break
    _add_run(title, document.title, TITLE, SIZES["title"], bold=True, color=RGBColor(0, 0, 0))


def _add_border(paragraph: Any, side: str, color: str, size: int) -> None:
    """Draw a line above or below a paragraph; size in eighths of a point."""
    properties = paragraph._element.get_or_add_pPr()
    borders = properties.find(qn("w:pBdr"))
    if borders is None:
        borders = OxmlElement("w:pBdr")
        properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    line = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(size)), ("space", "6"), ("color", color)):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)


def _add_caption(doc: Any, label: str, number: int, text: str, *, keep: bool) -> None:
    """Add a caption; `keep`: with the next paragraph (table captions stand above, figure captions below)."""
    caption = doc.add_paragraph(style="Caption")
    caption.alignment = Align.CENTER
    caption.paragraph_format.keep_with_next = keep
    caption.paragraph_format.space_before, caption.paragraph_format.space_after = Pt(8 if keep else 2), Pt(3)
    caption.add_run(f"{label} ")
    _add_field(caption, f"SEQ {label} \\* ARABIC", str(number))
    caption.add_run(f"  {clean(text)}")


def _add_table(doc: Any, table: Table) -> None:
    grid = doc.add_table(rows=1 + len(table.printed_rows), cols=len(table.columns))
    grid.style, grid.alignment, grid.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    whole = sum(c.weight for c in table.columns)
    widths = [Mm(WIDTH * c.weight / whole) for c in table.columns]
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    rows: Iterator[object] = iter(grid._tbl.tr_lst)
    _fill_row(next(rows), [c.title for c in table.columns], ["center"] * len(widths), head=True)
    sides = ["left" if c.left else "center" for c in table.columns]
    for row in table.printed_rows:
        _fill_row(next(rows), [format_cell(cell) for cell in row], sides, head=row is table.total, repeated=False)
    doc.add_paragraph().paragraph_format.line_spacing = Pt(8)


def _fill_row(tr: Any, texts: Sequence[str], sides: Sequence[str], *, head: bool, repeated: bool = True) -> None:
    """Fill one row through its XML: python-docx's own cells take quadratic time over long tables.

    A `head` is set apart by its face and ground; `repeated` on every page the table runs over.
    """
    properties = tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if head and repeated:
        properties.append(OxmlElement("w:tblHeader"))
    for tc, text, side in zip(tr.tc_lst, texts, sides, strict=True):
        box = tc.get_or_add_tcPr()
        if head:
            shade = OxmlElement("w:shd")
            for name, value in (("val", "clear"), ("color", "auto"), ("fill", "E7EBF0")):
                shade.set(qn(f"w:{name}"), value)
            box.append(shade)
        middle = OxmlElement("w:vAlign")
        middle.set(qn("w:val"), "center")
        box.append(middle)
        paragraph = tc.p_lst[0]
        justify = OxmlElement("w:jc")
        justify.set(qn("w:val"), side)
        paragraph.get_or_add_pPr().append(justify)
        run = paragraph.add_r()
        run.text = clean(text)
        look = run.get_or_add_rPr()
        fonts = OxmlElement("w:rFonts")
        for name in ("ascii", "hAnsi"):
            fonts.set(qn(f"w:{name}"), LATIN)
        fonts.set(qn("w:eastAsia"), BLACK if head else "SimSun")
        points = OxmlElement("w:sz")
        points.set(qn("w:val"), str(SIZES["table"] * 2))
        look.extend((fonts, points))


def _add_annex(doc: Any, annex: Annex) -> None:
    """Start an annex on a new page; its mark stands at the margin, without indent."""
    mark = doc.add_paragraph()
    mark.paragraph_format.page_break_before = True
    _add_run(mark, annex.text, BLACK, SIZES["body"])


def _add_picture(doc: Any, image: bytes, chart: Chart) -> None:
    paragraph = doc.add_paragraph()
    paragraph.alignment = Align.CENTER
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.space_before = Pt(8)
    drawn = paragraph.add_run().add_picture(io.BytesIO(image), width=Cm(14.5))
    drawn._inline.docPr.set("descr", clean(chart.alt))
    drawn._inline.docPr.set("title", clean(chart.caption))


def _add_foot(doc: Any, document: Document) -> None:
    """Add the 版记: recipients, issuer, date of print."""
    labels = document.labels
    lines = [label + names for label, names in ((labels.send_to, document.send_to), (labels.copy_to, document.copy_to))
             if names]  # fmt: skip
    lines.append(f"{document.issuer}\t{document.date}{labels.printed}")
    doc.add_paragraph()
    for n, text in enumerate(lines):
        line = doc.add_paragraph()
        line.paragraph_format.keep_together = True
        line.paragraph_format.keep_with_next = n < len(lines) - 1
        line.paragraph_format.tab_stops.add_tab_stop(Mm(WIDTH), alignment=2)
        _add_run(line, text, BODY, SIZES["foot"])
        _add_border(line, "top", "000000", 8 if n == 0 else 4)
        if n == len(lines) - 1:
            _add_border(line, "bottom", "000000", 8)
