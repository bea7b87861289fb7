"""Each kind of file is read into records, and every other row is refused with a reason (contract §4)."""

import ast
import inspect
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import openpyxl
import pytest

from backend.domain.refusals import Refused
from backend.importing.files import forms, history
from backend.importing.files.messages import load_texts, render_refusal
from backend.importing.files.reader import open_import
from backend.importing.files.records import (
    CalendarRow,
    HistoryRow,
    LedgerRow,
    PersonRow,
    RowRefusal,
    TicketRow,
    UnitRow,
    VisitRow,
)
from backend.office import phone_numbers

NOW = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
PETITIONS = Path(__file__).parents[4] / "shared" / "data" / "petitions.xlsx"


def read_rows(kind: str, text: str, **set_values: str) -> list[Any]:
    return list(open_import(kind, text.encode(), set_values=set_values, now=NOW))


def list_refusals(rows: list[Any]) -> list[tuple[int, str, str]]:
    return [(row.row, row.field, row.code) for row in rows if isinstance(row, RowRefusal)]


def test_units_are_read_in_chinese_and_english() -> None:
    chinese = read_rows(
        "units",
        "编码,名称,类型,地区,上级\nM01,长春市管理机构,管理机构,长春,\nU01,朝阳区政府,承办单位,朝阳区,M01\n",
    )
    english = read_rows("units", "code,name,kind,region,parent,province_department\nU02,省人社厅,handling,,M01,yes\n")
    assert chinese[1] == UnitRow(3, "U01", "朝阳区政府", "handling", "朝阳区", "M01", None)  # type: ignore[arg-type]
    assert english[0].province_department is True


def test_the_receipt_of_annex_2_is_read_as_it_is_filled_in_A36() -> None:
    """A title stands above the headings 代办处名称（区） 姓名 联系电话 密钥名称."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["附件2：回执"],
        ["代办处名称（区）", "姓名", "联系电话", "密钥名称"],
        ["朝阳区代办处", "张三", 13800001234, "朝阳01"],
    ):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    (person,) = open_import("people", file.getvalue(), now=NOW)
    assert person == PersonRow(3, None, "张三", "朝阳区代办处", "handler", "+8613800001234", "朝阳01", None, None)  # type: ignore[arg-type]


def test_the_key_name_is_taken_from_the_certificate_subject_A40() -> None:
    rows = read_rows(
        "people",
        "code,name,unit,role,phone,key_name,key_subject\nP1,张三,U01,经办人员,13800001234,,011@2201@朝阳张三@01\n"
        "P2,李四,U01,handler,13800001235,,011@2201@朝阳\nP3,王五,U01,干事,13800001236,,\nP4,赵六,U01,handler,1.38E+10,,\n"
        "P1,孙七,U01,handler,13800001237,,\n",
    )
    assert rows[0].key_name == "朝阳张三"
    assert list_refusals(rows) == [
        (3, "key_subject", "bad_key_subject"),
        (4, "role", "bad_word"),
        (5, "phone", "bad_phone"),
        (6, "code", "duplicate_in_file"),
    ]


@pytest.mark.skipif(not PETITIONS.exists(), reason="the petition sheet is not on this machine")
def test_all_petitions_are_read() -> None:
    """The sheet has refusal category, grade or phone; time limits run from the import (contract §4)."""
    rows = list(open_import("tickets", PETITIONS, now=NOW))
    assert len(rows) == 2816 and not list_refusals(rows)
    assert {(row.category, row.grade, row.channel, row.generated_at) for row in rows} == {
        ("help", "general", "web", NOW)
    }  # type: ignore[union-attr]
    assert all(row.submitted_at and row.extra.keys() == {"reply_text", "reply_at"} for row in rows)  # type: ignore[union-attr]
    assert not any("_x000D_" in row.text or row.text != row.text.strip() for row in rows)  # type: ignore[union-attr]


def test_given_values_fill_absent_columns_and_leave_present_ones() -> None:
    text = "留言编号,留言用户,留言主题,留言时间,留言详情\n1,A1,路灯,2020/1/2 10:05:12,路灯不亮\n"
    (row,) = read_rows("tickets", text, category="complaint", phone="13800001234", title="别的")
    assert (row.category, row.grade, row.requester_phone, row.title) == (
        "complaint",
        "general",
        "+8613800001234",
        "路灯",
    )
    assert row.submitted_at.isoformat() == "2020-01-02T10:05:12+08:00"


@pytest.mark.parametrize(
    ("given", "code"), [({"colour": "red"}, "unknown_field"), ({"grade": "很急"}, "bad_set_value")]
)
def test_an_unknown_given_value_is_refused(given: Mapping[str, str], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        open_import("tickets", b"ticket_no,text\n1,x\n", set_values=given, now=NOW)
    assert refusal.value.code == code and render_refusal(refusal.value)


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("tickets", "甲,乙\n1,2\n", "headings_missing"),
        ("tickets", "ticket_no,title\n1,2\n", "headings_missing"),
        ("tickets", "ticket_no,text,内容\n1,2,3\n", "heading_twice"),
        ("history", "ticket_no,text\n1,2\n", "file_needs_jsonl"),
        ("cats", "a\n", "unknown_kind"),
    ],
)
def test_a_file_without_the_right_columns_is_refused_as_a_whole(kind: str, text: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        list(open_import(kind, text.encode(), now=NOW))
    assert refusal.value.code == code and render_refusal(refusal.value)


def test_a_refused_row_says_row_field_and_reason_and_the_others_are_read_FF7_FF8_FF9() -> None:
    rows = read_rows(
        "tickets",
        "ticket_no,category,grade,channel,text,phone,generated_at\nT1,投诉,紧急,电话,x,13800001234,2026-10-08 09:00\n"
        "T2,投诉,紧急,电话,,,\nT3,抱怨,一般,电话,x,,\nT4,投诉,一般,电话,x,138000012345,\nT5,投诉,一般,电话,x,,2026年2月30日\nT1,投诉,一般,电话,y,,\n"
        "a b,投诉,一般,电话,y,,\nT6,,,,没有类别,,\n",
    )
    assert list_refusals(rows) == [
        (3, "text", "missing_field"), (4, "category", "bad_word"), (5, "requester_phone", "bad_phone"),
        (6, "generated_at", "bad_date"), (7, "ticket_no", "duplicate_in_file"), (8, "ticket_no", "bad_code"),
    ]  # fmt: skip
    assert isinstance(rows[0], TicketRow) and rows[0].category == "complaint"
    assert isinstance(rows[-1], TicketRow) and rows[-1].category is None  # waits as registered
    assert all(row.message for row in rows if isinstance(row, RowRefusal))


def test_json_tickets_have_their_requester_as_the_api_has() -> None:
    (row,) = read_rows(
        "tickets",
        json.dumps({"ticket_no": "T1", "text": "x", "requester": {"name": "王某", "phone": "13800001234"}}),
    )
    assert (row.requester_name, row.requester_phone) == ("王某", "+8613800001234")


def test_ledger_lines_are_checked_by_their_kind() -> None:
    rows = read_rows(
        "ledger",
        "kind,unit,month,count,level,matter,points,note,evidence,timely,total\npraise,U1,2026-10,3,,,,,,,\nhonour,U1,2026-10,,,m1,,,,,\n"
        "task,U1,2026年10月,,,,4,,,,\ntask,U1,2026-10,,,,2.5,,,,\nconnect,U1,2026-10,,,,,,,9,8\nroster,U1,2026-10,,city,,,,,,\nroster,U1,2026-10,,,,,,,,\n",
    )
    assert list_refusals(rows) == [
        (3, "level", "missing_field"), (4, "points", "bad_number"), (6, "timely", "contradiction"), (7, "level", "contradiction"),
    ]  # fmt: skip
    assert isinstance(rows[0], LedgerRow) and rows[0].count == 3
    assert rows[3].points == Decimal("2.5") and rows[6].level == "ok"


def test_calendar_days_and_visits_are_read() -> None:
    days = read_rows(
        "calendar", "日期,是否工作日,名称\n2026-10-01,休,国庆节\n2026/10/10,调休上班,\n2026/10/10,refusal,\n"
    )
    assert [type(day) for day in days] == [CalendarRow, CalendarRow, RowRefusal]
    assert (days[0].working, days[1].working) == (False, True)
    visits = read_rows(
        "visits",
        "ticket_no,kind,at,contacted,resolved,answer,note\nT1,人工,2026-10-08 10:00,是,已解决,满意,\nT2,,2026-10-08 10:00,,,,\n",
    )
    assert isinstance(visits[0], VisitRow) and (visits[0].kind, visits[0].answer) == ("manual", "satisfied")
    assert list_refusals(visits) == [(3, "answer", "missing_field")]


TICKET: dict[str, Any] = {
    "ticket_no": "T1", "category": "complaint", "grade": "general", "channel": "phone", "region": "朝阳区",
    "generated_at": "2026-10-08T09:00:00+08:00", "direct_answer": False, "mass_incident": False,
    "requester": {"name": "王某", "phone": "13800001234"}, "text": "…",
    "assignments": [
        {"unit": "U01", "lead": True, "dispatched_at": "2026-10-08T10:00:00+08:00", "signed_at": "2026-10-08T11:00:00+08:00",
         "signed": "manual", "return": {"submitted_at": "2026-10-08T12:00:00+08:00", "decision": "refused", "decided_at": "2026-10-09T09:00:00+08:00"},
         "extensions": [{"granted_at": "2026-10-10T09:00:00+08:00", "new_due_at": "2026-10-20T17:00:00+08:00"}],
         "close_due_at": "2026-10-15T17:00:00+08:00", "closed_at": "2026-10-19T10:00:00+08:00"}],
    "visits": [{"kind": "auto", "at": "2026-10-20T10:00:00+08:00", "answer": "unsatisfied"},
               {"kind": "manual", "at": "2026-10-21T10:00:00+08:00", "answer": "satisfied", "contacted": "yes"}],
    "unreasonable": {"decision": "recognised", "decided_at": "2026-10-25T09:00:00+08:00"},
}  # fmt: skip


def change_ticket(path: str, value: Any) -> str:
    """Return the ticket as JSON with one value changed; a path is such as assignments.0.closed_at."""
    copy = json.loads(json.dumps(TICKET))
    *parents, last = path.split(".")
    place = copy
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    place[int(last) if last.isdigit() else last] = value
    return json.dumps(copy)


def test_the_history_of_a_ticket_is_read() -> None:
    (row,) = read_rows("history", json.dumps(TICKET, ensure_ascii=False))
    assert isinstance(row, HistoryRow)
    lead = row.assignments[0]
    assert lead.lead and lead.returned is not None and lead.returned.decision == "refused" and lead.red_card is None
    assert [visit.answer for visit in row.visits] == ["unsatisfied", "satisfied"]
    assert row.unreasonable is not None and row.unreasonable.decision == "recognised"
    (bare,) = read_rows(
        "history",
        '{"ticket_no":"T2","category":"help","grade":"urgent","generated_at":"2026-10-08T09:00:00+08:00","extra":1}',
    )
    assert isinstance(bare, HistoryRow) and bare.assignments == ()


EXTENSION = {"granted_at": "2026-10-10T09:00:00+08:00", "new_due_at": "2026-10-20T17:00:00+08:00"}


@pytest.mark.parametrize(
    ("path", "value", "field", "code"),
    [
        ("category", "rant", "category", "bad_word"),
        ("generated_at", None, "generated_at", "missing_field"),
        ("assignments.0.closed_at", "2026-10-07T10:00:00+08:00", "assignments[0].closed_at", "contradiction"),
        (
            "assignments.0.dispatched_at",
            "2026-10-07T10:00:00+08:00",
            "assignments[0].dispatched_at",
            "contradiction",
        ),
        ("assignments.0.signed_at", "2026-10-08T09:30:00+08:00", "assignments[0].signed_at", "contradiction"),
        ("assignments.0.signed_at", None, "assignments[0].signed_at", "contradiction"),
        ("assignments.0.return.decision", "accepted", "assignments[0].closed_at", "contradiction"),
        ("assignments.0.return.decision", "maybe", "assignments[0].return.decision", "bad_word"),
        ("assignments.0.extensions", [EXTENSION] * 3, "assignments[0].extensions", "contradiction"),
        (
            "assignments.0.extensions",
            [EXTENSION] * 2,
            "assignments[0].extensions[1].new_due_at",
            "contradiction",
        ),
        ("assignments", {}, "assignments", "bad_value"),
        ("assignments", [1], "assignments[0]", "bad_value"),
        ("direct_answer", True, "direct_answer", "contradiction"),
        ("visits.0.answer", "happy", "visits[0].answer", "bad_word"),
        ("visits.0.at", "2026-10-01T10:00:00+08:00", "visits[0].at", "contradiction"),
        ("requester.phone", "1380000", "requester.phone", "bad_phone"),
        ("text", ["x"], "text", "bad_value"),
    ],
)
def test_a_ticket_whose_history_contradicts_itself_is_refused(path: str, value: Any, field: str, code: str) -> None:
    (row,) = read_rows("history", change_ticket(path, value))
    assert isinstance(row, RowRefusal), row
    assert (row.field, row.code) == (field, code) and row.message


def test_two_leads_at_a_time_contradict_each_other_but_a_new_lead_after_an_accepted_return_does_not() -> None:
    at = "2026-10-09T10:00:00+08:00"
    second = {"unit": "U02", "lead": True, "dispatched_at": at}
    ((_, _, code),) = list_refusals(
        read_rows("history", change_ticket("assignments", [TICKET["assignments"][0], second]))
    )
    assert code == "contradiction"
    returned = {**second, "unit": "U01", "return": {"submitted_at": at, "decision": "accepted"}}
    (row,) = read_rows("history", change_ticket("assignments", [returned, {"unit": "U02", "dispatched_at": at}]))
    assert [assignment.lead for assignment in row.assignments] == [True, True]


def find_strings(module: ModuleType, keyword: str) -> set[str]:
    """Return the strings a module gives under a keyword, or as the last of a rule of four."""
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        given = [k.value for k in node.keywords if k.arg == keyword] if isinstance(node, ast.Call) else []
        given += node.elts[3:] if isinstance(node, ast.Tuple) and len(node.elts) == 4 else []
        found |= {value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str)}
    return found


def test_every_contradiction_and_every_fault_of_a_phone_number_has_its_sentence() -> None:
    texts = load_texts()
    assert all(sentence.strip() for section in texts.values() for sentence in section.values())
    assert find_strings(phone_numbers, "reason") == texts["phone_reasons"].keys()
    assert find_strings(history, "what") | find_strings(forms, "what") == texts["contradictions"].keys()
