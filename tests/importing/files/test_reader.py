"""A file is read by what is in it; what is dangerous is refuse (FF1-FF5, FF9, FF10, FF13)."""

import csv
import io
import time
import tracemalloc
import zipfile
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.refusals import Refused
from backend.importing.files.messages import render_refusal
from backend.importing.files.reader import open_import
from backend.importing.files.records import RowRefusal, TicketRow
from backend.importing.files.sheet import open_sheet

NOW = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
HEAD = "工单编号,标题,内容\n"
TWENTY_ROWS = HEAD + "".join(f"T{n},路灯不亮,和平大街的路灯不亮了{n}\n" for n in range(20))


def build_workbook(rows: list[list[Any]], **parts: bytes) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    file = io.BytesIO()
    book.save(file)
    return replace_parts(file.getvalue(), parts) if parts else file.getvalue()


def replace_parts(book: bytes, parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, content in parts.items():
            new.writestr(name, content)
    return file.getvalue()


def refuse(content: bytes) -> str:
    """Return the code with which a file is refuse."""
    with pytest.raises(Refused) as refusal:
        list(open_import("tickets", content, now=NOW))
    assert render_refusal(refusal.value)
    return refusal.value.code


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk"])
def test_chinese_in_any_usual_encoding_is_read_correctly_FF1(codec: str) -> None:
    rows = list(open_import("tickets", TWENTY_ROWS.encode(codec), now=NOW))
    assert [type(row) for row in rows] == [TicketRow] * 20
    assert rows[3].text == "和平大街的路灯不亮了3"  # type: ignore[union-attr]


def test_mixed_and_unknown_encodings_are_refused_FF1() -> None:
    mixed = TWENTY_ROWS.encode("gbk") + "T99,井盖丢失,人民大街的井盖丢失了\n".encode()
    assert refuse(mixed) == "file_mixed_encoding"
    assert refuse(TWENTY_ROWS.encode("utf-32")) == "file_encoding"
    assert refuse((HEAD + "T1,縣政府,臺灣話個別詞彙\n" * 30).encode("big5", "ignore")) == "file_encoding"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_quotes_newlines_and_delimiters_in_cells_are_kept_FF2(delimiter: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(["ticket_no", "title", "text"])
    writer.writerow(["T1", 'say "hi"', f"one\n\ntwo{delimiter}three"])
    writer.writerow(["T2", "t", "字" * 65_000])
    rows = list(open_import("tickets", file.getvalue().encode(), now=NOW))
    assert isinstance(rows[0], TicketRow) and rows[0].title == 'say "hi"'
    assert rows[0].text == f"one\n\ntwo{delimiter}three"
    assert isinstance(rows[1], TicketRow) and len(rows[1].text) == 65_000


def test_a_broken_row_is_refused_and_the_others_are_read_FF2() -> None:
    """NUL, an open quote, too many cells, too long a cell."""
    body = [
        HEAD,
        "T1,a,好\n",
        "T2,a,坏\0\n",
        'T3,a,"没有收尾\n',
        "T4,a,好\n",
        "T5,a,b,c,d\n",
        "\n",
        f"T6,a,{'长' * 65001}\n",
    ]
    body += [f"T7,a,{'长' * 140_000}\n", "T8,a,好\n"]
    rows = list(open_import("tickets", "".join(body).encode(), now=NOW))
    assert [(row.row, row.code if isinstance(row, RowRefusal) else row.ticket_no) for row in rows] == [  # type: ignore[union-attr]
        (2, "T1"), (3, "bad_character"), (4, "unreadable_line"), (5, "T4"), (6, "too_many_cells"), (8, "too_long"),
        (9, "unreadable_line"), (10, "T8"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ['{"ticket_no": "T1", "text": "好"}\n[1]\n{"x\n\n{"ticket_no": "T2", "text": "好"}\n'])
def test_json_lines_are_numbered_by_line(text: str) -> None:
    rows = list(open_import("tickets", text.encode(), now=NOW))
    assert [(row.row, getattr(row, "code", "")) for row in rows] == [
        (1, ""),
        (2, "unreadable_line"),
        (3, "unreadable_line"),
        (5, ""),
    ]


def test_a_json_array_is_read_member_by_member() -> None:
    text = "[" + ",\n".join(f'{{"ticket_no": "T{n}", "text": "{"字" * 300}"}}' for n in range(2000)) + "]"
    assert len({row.ticket_no for row in open_import("tickets", text.encode(), now=NOW)}) == 2000  # type: ignore[union-attr]
    cut_off = list(open_import("tickets", text[:-40].encode(), now=NOW))
    assert isinstance(cut_off[-1], RowRefusal) and len(cut_off) == 2000
    assert refuse(b"") == "file_empty"


def test_deep_json_is_a_bad_row() -> None:
    rows = list(open_import("history", b'{"a":' * 100_000 + b"\n", now=NOW))
    assert [row.code for row in rows if isinstance(row, RowRefusal)] == ["unreadable_line"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%PDF-1.7 x", "file_wrong_kind"),
        (b"MZ\x90\0", "file_wrong_kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "file_old_excel"),
        (b"<html><table></table></html>", "file_wrong_kind"),
        (b"PK\x03\x04nonsense", "file_broken"),
        (b"\x89PNG\r\n", "file_wrong_kind"),
    ],
)
def test_another_kind_of_file_is_refused_by_its_content_FF5(content: bytes, code: str) -> None:
    assert refuse(content) == code


def test_a_zip_that_is_no_workbook_is_refused_FF5() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "x")
    assert refuse(file.getvalue()) == "file_wrong_kind"


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "docProps/app.xml"]
)
def test_a_compression_bomb_is_refused_with_little_memory_FF3(part: str) -> None:
    """A small file with hundreds of megabytes inside."""
    bomb = build_workbook([["ticket_no", "text"], ["T1", "x"]])
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(bomb)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
        with new.open(part, "w", force_zip64=True) as out:
            for _ in range(200):
                out.write(b"<c/>" * 262_144)
    content = file.getvalue()
    assert len(content) < 4_000_000
    tracemalloc.start()
    began = time.perf_counter()
    assert refuse(content) == "file_bomb"
    took, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 1 and peak < 20_000_000


def test_entities_macros_and_external_links_are_refused_FF4() -> None:
    plain = build_workbook([["ticket_no", "text"], ["T1", "x"]])
    with zipfile.ZipFile(io.BytesIO(plain)) as book:
        sheet, types = book.read("xl/worksheets/sheet1.xml"), book.read("[Content_Types].xml")
        meta = book.read("xl/workbook.xml")
    doctype = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    assert refuse(replace_parts(plain, {"xl/worksheets/sheet1.xml": doctype + sheet})) == "file_xml_unsafe"
    assert refuse(replace_parts(plain, {"xl/workbook.xml": doctype + meta})) == "file_xml_unsafe"
    macros = types.replace(b"spreadsheetml.sheet.main", b"sheet.macroEnabled.main")
    assert refuse(replace_parts(plain, {"[Content_Types].xml": macros})) == "file_has_macros"
    assert refuse(replace_parts(plain, {"xl/vbaProject.bin": b"x"})) == "file_has_macros"
    assert refuse(replace_parts(plain, {"xl/externalLinks/externalLink1.xml": b"<x/>"})) == "file_has_links"


def test_a_workbook_whose_sheets_are_all_hidden_is_refused_FF10() -> None:
    plain = build_workbook([["ticket_no", "text"], ["T1", "x"]])
    with zipfile.ZipFile(io.BytesIO(plain)) as book:
        meta = book.read("xl/workbook.xml")
    hidden = meta.replace(b'state="visible"', b'state="hidden"')
    assert hidden != meta
    assert refuse(replace_parts(plain, {"xl/workbook.xml": hidden})) == "file_no_sheet"


def test_hidden_rows_merged_cells_and_formulas_are_read_by_rule_FF10() -> None:
    """The first visible sheet; hidden rows count; a merged value stands top left; a formula never computed is empty."""
    book = openpyxl.Workbook()
    hidden = book.active
    assert hidden is not None
    hidden.sheet_state = "hidden"
    sheet = book.create_sheet("工单")
    for row in (
        ["ticket_no", "title", "text", "place"],
        ["T1", "a", "x", None],
        ["T2", "b", "y", "=1+1"],
        [],
        ["T3", "c", "z", "p"],
    ):
        sheet.append(row)
    sheet.row_dimensions[3].is_hidden = True
    sheet.merge_cells("D1:D2")
    file = io.BytesIO()
    book.save(file)
    rows = list(open_import("tickets", file.getvalue(), now=NOW))
    assert [(row.row, row.ticket_no, row.place) for row in rows] == [
        (2, "T1", ""),
        (3, "T2", ""),
        (5, "T3", "p"),
    ]  # type: ignore[union-attr]


def test_spreadsheet_dates_numbers_and_errors_are_read_in_both_date_systems_FF8_FF9() -> None:
    for epoch in (openpyxl.utils.datetime.WINDOWS_EPOCH, openpyxl.utils.datetime.MAC_EPOCH):
        book = openpyxl.Workbook()
        book.epoch = epoch
        sheet = book.active
        assert sheet is not None
        sheet.append(["工单编号", "内容", "受理时间", "联系电话"])
        sheet.append([1001, "x", datetime(2026, 10, 8, 9, 0, 12), 13800001234])  # noqa: DTZ001
        sheet.append([1002, "#N/A", datetime(2026, 10, 8), 1.38e10])  # noqa: DTZ001
        file = io.BytesIO()
        book.save(file)
        first, second = open_import("tickets", file.getvalue(), now=NOW)
        assert isinstance(first, TicketRow) and first.ticket_no == "1001" and first.requester_phone == "+8613800001234"
        assert first.generated_at.isoformat() == "2026-10-08T09:00:12+08:00"
        assert isinstance(second, RowRefusal) and (second.field, second.code) == ("text", "formula_error")


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"ticket_no,text\n", b'{"ticket_no": '):
        try:
            rows = list(open_import("tickets", start + content, now=NOW))
        except Refused as refusal:
            assert render_refusal(refusal)
        else:
            assert all(isinstance(row, (TicketRow, RowRefusal)) for row in rows)


DAY = datetime(2026, 10, 8)  # noqa: DTZ001
GOOD_WORKBOOK = build_workbook([["ticket_no", "text", "generated_at"], ["T1", "x", DAY], ["T2", "y", 3]])


@given(st.data())
def test_any_damaged_workbook_is_read_or_refused(data: st.DataObject) -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD_WORKBOOK)) as book:
        part = data.draw(st.sampled_from(book.namelist()))
        content = bytearray(book.read(part))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place : place + data.draw(st.integers(0, 4))] = data.draw(
        st.binary(max_size=4) | st.sampled_from([b"<", b"99999999999", b"-1", b"'"])
    )
    raw = bytearray(GOOD_WORKBOOK)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    for damaged in (replace_parts(GOOD_WORKBOOK, {part: bytes(content)}), bytes(raw)):
        try:
            rows = list(open_import("tickets", damaged, now=NOW))
        except Refused as refusal:
            assert render_refusal(refusal)
        else:
            assert all(isinstance(row, (TicketRow, RowRefusal)) for row in rows)


def test_sniffing_tells_the_kind_and_the_number_of_rows() -> None:
    assert (open_sheet(TWENTY_ROWS.encode()).kind, open_sheet(TWENTY_ROWS.encode()).estimated_rows) == ("csv", 21)
    book = open_sheet(build_workbook([["a", "b"]] * 500))
    assert (book.kind, book.estimated_rows) == ("xlsx", 500)
    assert open_sheet(b'\n {"a": 1}\n').kind == "jsonl"
