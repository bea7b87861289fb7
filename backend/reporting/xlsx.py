"""Render a document as XLSX: one sheet per table, real numbers, shares as formulas, native charts (FR10)."""

import io
import re
from collections.abc import Sequence
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from backend.domain.masking import clean
from backend.domain.scoring.exact import Rounding
from backend.reporting.document import Cell, Chart, Document, Heading, Number, Paragraph, Percent, Table, format_cell

#: What a spreadsheet program may take for a formula: also full-width signs, also after blanks.
_RISKY = re.compile(r"[\s\u00a0\u3000]*[=+\-@＝＋－＠|%]|[\t\r\n]")
_BAD_IN_NAMES = "[]:*?/\\'"
NARROW, WIDE = 10, 60  # column width in characters
HEAD = 2  # rows above a table: its caption and a blank one


def render_xlsx(document: Document) -> bytes:
    """Render the XLSX."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    xlsx = xlsxwriter.Workbook(out, options)
    xlsx.set_properties({"title": document.title, "author": document.issuer})
    formats = _CellFormats(xlsx)
    _add_front(xlsx, document, formats)
    names: dict[str, tuple[str, Table]] = {}
    for table in document.tables:
        name = _make_sheet_name(table.sheet, [n for n, _ in names.values()])
        names[table.sheet] = (name, table)
        sheet = xlsx.add_worksheet(name)
        _write_table(sheet, table, formats, len(names))
        beside = [c for c in document.charts if c.sheet == table.sheet]
        for n, chart in enumerate(beside):
            _add_chart(xlsx, sheet, chart, name, len(table.columns), n)
    xlsx.close()
    return out.getvalue()


class _CellFormats:
    """Cell formats."""

    def __init__(self, book: Any) -> None:
        base = {"font_name": "SimSun", "font_size": 11, "border": 1, "valign": "vcenter"}
        self.text = book.add_format({**base, "text_wrap": True})
        self.count = book.add_format({**base, "num_format": "0"})
        self.rate = book.add_format({**base, "num_format": "0.00%"})
        self.number = book.add_format({**base, "num_format": "0.00"})
        self.blank = book.add_format({**base, "align": "right"})
        self.head = book.add_format({**base, "bold": True, "bg_color": "#D9E1EA", "text_wrap": True, "align": "center"})
        self.caption = book.add_format({"font_name": "SimHei", "font_size": 14})
        self.masthead = book.add_format({"font_name": "SimHei", "font_size": 20, "font_color": "#C00000"})
        self.bold = book.add_format({"font_name": "SimHei", "font_size": 12})
        self.prose = book.add_format({"font_name": "SimSun", "font_size": 11, "text_wrap": True, "valign": "top"})


def escape_formula(text: str) -> str:
    """Prefix text a spreadsheet would take for a formula with an apostrophe (FR10)."""
    cleaned = clean(text)
    return f"'{cleaned}" if _RISKY.match(text) or _RISKY.match(cleaned) else cleaned


def round_published(cell: Percent | Number) -> float:
    """Round as published, half up: a rate to four decimals (two of per cent), any other number to two."""
    places = 4 if isinstance(cell, Percent) else 2
    return float(Rounding(places).round(cell.value))


def _add_front(book: Any, document: Document, forms: _CellFormats) -> None:
    """Write the first sheet: title and prose."""
    sheet = book.add_worksheet(_make_sheet_name(document.masthead, []))
    sheet.set_column(0, 0, 100)
    sheet.hide_gridlines(2)
    lines: list[tuple[str, Any]] = [
        (document.masthead, forms.masthead), (document.issue_line, forms.bold),
        (f"{document.issuer}  {document.date}", forms.prose), (document.title, forms.caption),
    ]  # fmt: skip
    for block in document.blocks:
        if isinstance(block, Heading):
            lines.append((block.text, forms.bold))
        elif isinstance(block, Paragraph):
            lines.append((block.text, forms.prose))
    for label, names in ((document.labels.send_to, document.send_to), (document.labels.copy_to, document.copy_to)):
        if names:
            lines.append((label + names, forms.prose))
    for row, (text, form) in enumerate(lines):
        sheet.write_string(row, 0, escape_formula(text), form)
    _set_print_layout(sheet, landscape=False)


def _write_table(sheet: Any, table: Table, forms: _CellFormats, number: int) -> None:
    sheet.write_string(0, 0, escape_formula(table.caption), forms.caption)
    last, wide = HEAD + len(table.rows), len(table.columns) - 1
    for place, column in enumerate(table.columns):
        longest = max([_measure_width(column.title), *(_measure_width(format_cell(row[place])) for row in table.rows)])
        sheet.set_column(place, place, min(WIDE, max(NARROW, longest + 2)))
    for n, row in enumerate(table.rows, start=HEAD + 1):
        for place, cell in enumerate(row):
            _write_cell(sheet, n, place, cell, _build_formula(table, n, place), forms)
    for place, cell in enumerate(table.total):  # under the table proper, so that sorting leaves it there
        _write_cell(sheet, last + 1, place, cell, _build_total(table, last + 1, place), forms)
    if table.rows:
        heads = [
            {"header": title, "header_format": forms.head} for title in _make_unique([c.title for c in table.columns])
        ]
        sheet.add_table(HEAD, 0, last, wide, {"columns": heads, "style": None, "name": f"Table_{number}"})
    else:
        for place, column in enumerate(table.columns):
            sheet.write_string(HEAD, place, escape_formula(column.title), forms.head)
    sheet.freeze_panes(HEAD + 1, 1)
    sheet.repeat_rows(HEAD)
    _set_print_layout(sheet, landscape=wide > 5)


def _set_print_layout(sheet: Any, *, landscape: bool) -> None:
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C— &P —")
    if landscape:
        sheet.set_landscape()


def _write_cell(sheet: Any, row: int, place: int, cell: Cell, formula: str, forms: _CellFormats) -> None:
    match cell:
        case None:
            sheet.write_blank(row, place, None, forms.blank)
        case Percent():
            if formula:
                sheet.write_formula(row, place, formula, forms.rate, round_published(cell))
            else:
                sheet.write_number(row, place, round_published(cell), forms.rate)
        case Number():
            sheet.write_number(row, place, round_published(cell), forms.number)
        case int() if formula:
            sheet.write_formula(row, place, formula, forms.count, cell)
        case int():
            sheet.write_number(row, place, cell, forms.count)
        case _:
            sheet.write_string(row, place, escape_formula(cell), forms.text)


def _build_formula(table: Table, row: int, place: int) -> str:
    column = table.columns[place]
    if column.ratio is not None:
        above, below = (f"{xl_col_to_name(n)}{row + 1}" for n in column.ratio)
        return f'=IF({below}=0,"",ROUND({above}/{below},4))'
    if column.share is not None:
        name = xl_col_to_name(column.share)
        return f"=ROUND({name}{row + 1}/SUM({name}${HEAD + 2}:{name}${HEAD + 1 + len(table.rows)}),4)"
    return ""


def _build_total(table: Table, row: int, place: int) -> str:
    """Return the formula of a cell of the total row."""
    if table.columns[place].share is not None or table.columns[place].ratio is not None:
        return _build_formula(table, row, place)
    name = xl_col_to_name(place)
    return f"=SUM({name}{HEAD + 2}:{name}{HEAD + 1 + len(table.rows)})"


def _add_chart(book: Any, sheet: Any, chart: Chart, name: str, columns: int, n: int) -> None:
    """Add a chart of the first columns of its table: labels, then one column per series."""
    kind = {"type": "line"} if chart.form == "line" else {"type": "bar"}
    drawn = book.add_chart(kind)
    first, last = HEAD + 1, HEAD + len(chart.labels)
    for place, series in enumerate(chart.series, start=1):
        drawn.add_series({
            "name": series.name, "categories": [name, first, 0, last, 0], "values": [name, first, place, last, place],
            "line" if chart.form == "line" else "fill": {"color": ("#2F4B6E", "#7F97B2")[(place - 1) % 2]},
            "data_labels": {"value": chart.form != "line"},
            **({"marker": {"type": ("circle", "square")[(place - 1) % 2]}} if chart.form == "line" else {}),
        })  # fmt: skip
    drawn.set_title({"name": chart.caption, "name_font": {"size": 12}})
    if chart.form != "line":
        drawn.set_y_axis({"reverse": True})
        drawn.set_legend({"none": True})
    else:
        drawn.set_legend({"position": "bottom"})
    drawn.set_size({"width": 620, "height": 320})
    sheet.insert_chart(HEAD + n * 17, columns + 1, drawn, {"description": chart.alt})


def _make_sheet_name(wanted: str, taken: Sequence[str]) -> str:
    """Return a unique sheet name Excel accepts: at most 31 characters, none reserved."""
    plain = "".join(c for c in clean(wanted) if c not in _BAD_IN_NAMES).strip()[:28] or "1"
    name, n = plain, 2
    while name.casefold() in {t.casefold() for t in taken}:
        name, n = f"{plain}{n}", n + 1
    return name


def _make_unique(titles: Sequence[str]) -> list[str]:
    """Make titles unique, as Excel tables require."""
    found: list[str] = []
    for title in map(escape_formula, titles):
        found.append(title if title not in found else f"{title} {found.count(title) + 1}")
    return found


def _measure_width(text: str) -> int:
    return max((sum(2 if ord(c) > 0x2E80 else 1 for c in line) for line in text.split("\n")), default=0)
