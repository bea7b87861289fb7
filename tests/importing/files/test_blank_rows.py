"""A file of blank rows is refused at once, whatever its form; a form with some blank rows is read (XS11)."""

import io
import zipfile
from datetime import UTC, datetime

import openpyxl
import pytest

from backend.domain.refusals import Refused
from backend.importing.files.content import MAX_BLANK_ROWS
from backend.importing.files.messages import render_refusal
from backend.importing.files.reader import open_import
from backend.importing.files.records import TicketRow

NOW = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
CSV = "工单编号,标题,内容\nT1,路灯不亮,请修\n".encode()
JSONL = '{"ticket_no": "T1", "text": "路灯不亮"}\n'.encode()


def workbook(row: str, count: int) -> bytes:
    """A workbook with one ticket and that many blank rows behind it."""
    book = openpyxl.Workbook()
    for cells in (["工单编号", "标题", "内容"], ["T1", "路灯不亮", "请修"]):
        book.active.append(cells)  # type: ignore[union-attr]
    made, out = io.BytesIO(), io.BytesIO()
    book.save(made)
    rows = "".join(row.format(n=n) for n in range(3, count + 3)).encode()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"</sheetData>", rows + b"</sheetData>"))
    return out.getvalue()


def build(form: str, count: int) -> bytes:
    """A file with one ticket and that many blank rows."""
    match form:
        case "csv" | "commas" | "blanks" | "crlf":
            return CSV + {"csv": b"\n", "commas": b",,\n", "blanks": b" , ,\n", "crlf": b"\r\n"}[form] * count
        case "jsonl":
            return JSONL + b"\n" * count
        case "rows":
            return workbook('<row r="{n}"/>', count)
    return workbook('<row r="{n}"><c r="A{n}"/><c r="C{n}"/></row>', count)


@pytest.mark.parametrize("form", ["csv", "commas", "blanks", "crlf", "jsonl", "rows", "cells"])
def test_blank_rows_without_end_are_refused_and_some_are_not_XS11(form: str) -> None:
    assert [type(row) for row in open_import("tickets", build(form, 1_000), now=NOW)] == [TicketRow]
    with pytest.raises(Refused) as refusal:
        list(open_import("tickets", build(form, MAX_BLANK_ROWS + 1), now=NOW))
    assert refusal.value.code == "file_blank_rows" and str(MAX_BLANK_ROWS) in render_refusal(refusal.value)


@pytest.mark.parametrize("form", ["csv", "commas", "jsonl", "rows"])
def test_reading_stops_where_it_is_refused_XS11(form: str) -> None:
    opened = open_import("tickets", build(form, 10 * MAX_BLANK_ROWS), now=NOW)
    with pytest.raises(Refused):
        list(opened)
    assert opened.row <= MAX_BLANK_ROWS + 4
