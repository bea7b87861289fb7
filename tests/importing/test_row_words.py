"""A refused row is named in the words of the file: row, column, value and what would do, never by a code (FF7)."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from backend.importing.files.forms import FORMS
from backend.importing.files.messages import load_texts, render_sentence
from backend.importing.importers import IMPORTERS
from tests.importing.files.test_forms import TICKET, change_ticket
from tests.tickets.conftest import SampleCity

#: What a person may read in Latin letters: of files and encodings, and what this test itself writes.
PROPER = re.compile(r"CSV|XLSX|JSONL|UTF-8|PDF|N/A|\.xlsx?")
CODE = re.compile(r"[A-Za-z]{2,}|[a-z]+_[a-z_]+|_|\[|\]|None|True|False")
#: A row that is taken, by the heading of each column.
GOOD: dict[str, dict[str, str]] = {
    "units": {"编码": "甲1", "名称": "一所", "类型": "承办单位", "地区": "云岭市", "上级": "M01", "省直部门": "否"},
    "people": {
        "编码": "丙1", "姓名": "林一", "单位": "U01", "角色": "经办人员", "联系电话": "13800009001", "密钥名称": "林一",
        "模块授权": "否", "颁发给": "011@2201@林一@01",
    },
    "tickets": {
        "工单编号": "乙1", "类别": "求助", "级别": "一般", "渠道": "电话", "标题": "路灯", "内容": "路灯不亮", "地点": "一路",
        "地区": "云岭市", "诉求人": "王某", "诉求人电话": "13800002001", "生成时间": "2026-11-01 09:00", "保密": "否",
        "提交时间": "2026-11-01 08:00", "答复意见": "已办", "答复时间": "2026-11-02 08:00",
    },
    "ledger": {
        "类型": "表彰", "单位": "U01", "月份": "2026-10", "数量": "1", "级别": "市级", "事项编号": "1", "分值": "", "说明": "表彰",
        "证据": "文件", "及时数": "", "总数": "", "工单编号": "",
    },
    "calendar": {"日期": "2026-12-05", "是否工作日": "工作日", "名称": "调休"},
    "visits": {
        "工单编号": "乙9", "回访方式": "人工", "回访时间": "2026-11-02 08:00", "是否联系": "是", "是否解决": "已解决",
        "满意度": "满意", "说明": "好",
    },
    "roster": {
        "单位": "U01", "值班人员": "李建国", "副班": "王丽", "开始": "2026-11-20 08:00", "结束": "2026-11-20 18:00",
        "日期": "2026-11-20", "班次": "08:00-18:00",
    },
    "catalogue": {
        "类别": "求助", "关键词": "路灯", "地区": "云岭市", "承办单位": "U01", "依据": "职责", "生效日期": "2026-11-01",
        "失效日期": "2026-12-01",
    },
    "connect": {
        "管理机构": "M01", "日期": "2026-10-01", "渠道": "电话", "来话量": "9", "接通量": "8", "放弃量": "1",
    },
}  # fmt: skip
BAD = (
    "",
    "乱写",
    "明天 下午",
    "-7",
    "9" * 15,
    "字" * 70_000,
    "坏\ufffd字",
    "1.38E+10",
    "138 0000 1234 或 139 0000 5678",
    "2099-01-01",
    "operator",
)
#: Whole rows that are wrong together.
TOGETHER: dict[str, list[dict[str, str]]] = {
    "units": [{"编码": "丁1", "上级": "丁1"}, {}],
    "people": [{"编码": "", "单位": "M01"}, {}],
    "ledger": [
        {"类型": "值班计划", "级别": "市级"}, {"级别": "合理"}, {"类型": "专题任务", "分值": "9"}, {"类型": "接通率", "及时数": "9", "总数": "8"},
        {"类型": "表彰", "级别": ""}, {"类型": "督办不落实", "工单编号": "丁9"}, {"类型": "接通率", "单位": "M01"},
    ],
    "roster": [
        {"开始": "2026-11-21 08:00", "结束": "2026-11-20 18:00"}, {"副班": "李建国"}, {"单位": "U02"}, {"结束": ""},
        {"开始": "", "结束": "", "日期": ""}, {"开始": "", "结束": "", "班次": "8点到6点"},
    ],
    "catalogue": [
        {"类别": "", "关键词": "", "地区": ""}, {"失效日期": "2026-10-01"}, {"承办单位": "M01"}, {"关键词": "、".join(map(str, range(40)))},
    ],
    "connect": [
        {"日期": "2026-10-02", "接通量": "10"}, {"日期": "2026-10-03", "放弃量": "9"}, {"日期": "2030-01-01"}, {"管理机构": "U01"}, {},
        {"日期": "2026-10-04", "渠道": "飞鸽"},
    ],
}  # fmt: skip


def spoil(kind: str) -> Iterator[dict[str, str]]:
    """Yield rows with one cell each that may be wrong, and those wrong together."""
    for heading in GOOD[kind]:
        for value in BAD:
            yield {**GOOD[kind], heading: value}
    yield from ({**GOOD[kind], **change} for change in TOGETHER.get(kind, []))


def write(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, fieldnames=list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def find_codes(message: str, value: str = "") -> list[str]:
    """Return what in a sentence is a code, apart from proper names and from what the row itself says."""
    return CODE.findall(PROPER.sub("", message.replace(value[:24], "") if value else message))


def test_every_kind_of_import_is_walked_column_by_column() -> None:
    assert set(GOOD) | {"history"} == set(IMPORTERS)
    for kind, row in GOOD.items():
        assert [column.heading for column in FORMS[kind].fields] == list(row), kind


@pytest.mark.parametrize("kind", GOOD)
async def test_a_refused_row_names_row_column_value_and_what_would_do_in_the_words_of_the_file_FF7(
    city: SampleCity, kind: str
) -> None:
    rows = list(spoil(kind))
    report = await city.import_text(kind, write(rows))
    assert len(report["refused"]) >= len(GOOD[kind])
    seen = set()
    for no in report["refused"]:
        row = rows[no["row"] - 2]
        seen.add(no["field"])
        said = re.match(r"第 (\d+) 行(?:“([^”]+)”)?：", no["message"])
        assert said is not None and int(said[1]) == no["row"] and no["code"] and no["field"], no
        assert said[2] in row, no
        rest = no["message"].replace("operator", "").replace("1.38E+10", "")
        for value in filter(None, row.values()):
            rest = rest.replace(value, "") if len(value) < 24 else rest
        assert not find_codes(rest), no
        assert "请核对后重新提交" not in rest and rest.strip("。：") != no["message"][: said.end()], no
    required = {column.name for column in FORMS[kind].fields if column.required}
    assert required <= seen


async def test_a_column_is_named_as_the_file_itself_heads_it(city: SampleCity) -> None:
    report = await city.import_text("people", "姓名,所在单位,单位名称,岗位,手机号码\n林一,x,U01,干事,13800009001\n")
    (no,) = report["refused"]
    assert (no["field"], no["code"]) == ("role", "bad_word")
    assert no["message"].startswith("第 2 行“岗位”：“干事”不是认识的写法，可填：经办人员、联络员")


async def test_a_day_with_a_time_is_told_that_a_day_is_wanted(city: SampleCity) -> None:
    report = await city.import_text("calendar", "日期,是否工作日\n2026-12-05 09:00,是\n")
    (no,) = report["refused"]
    assert no["message"].startswith("第 2 行“日期”：日期“2026-12-05 09:00”读不出来。请写成 2026-10-08，只写日期")


async def test_a_number_that_is_refused_is_not_repeated_in_the_report(city: SampleCity) -> None:
    report = await city.import_text("people", "姓名,单位,角色,手机\n林一,U01,经办人员,138000012345\n")
    (no,) = report["refused"]
    assert "“手机”" in no["message"] and "12345" not in no["message"] and "0000" not in no["message"]


SPOILT: list[tuple[str, Any, str]] = [
    ("assignments.0.closed_at", "明天", "第1次派单·办结时间"), ("assignments.0.return.decision", "也许", "第1次派单·退单·审核结果"),
    ("assignments.0.unit", "无此单位", "第1次派单·承办单位"), ("assignments.0.extensions.0.new_due_at", "明天", "第1次派单·第1次延期·延期后的时限"),
    ("assignments", {}, "承办情况"), ("assignments", [1], "第1次派单"), ("visits.1.answer", "高兴", "第2次回访·满意度"),
    ("requester.phone", "1380000", "诉求人·电话"), ("category", "抱怨", "类别"), ("channel", "飞鸽", "渠道"),
    ("unreasonable.decision", "也许", "不合理诉求认定·审核结果"), ("management", "无此单位", "管理机构"),
    ("direct_answer", "也许", "是否直接答复"), ("assignments.0.red_card", True, "第1次派单·是否红牌"),
]  # fmt: skip


async def test_a_history_names_its_fields_in_words_too(city: SampleCity) -> None:
    lines = [change_ticket(path, value) for path, value, _ in SPOILT]
    lines = [json.dumps({**json.loads(line), "ticket_no": f"L{n}"}) for n, line in enumerate(lines)]
    report = await city.import_text("history", "\n".join(lines) + "\n")
    assert [no["row"] for no in report["refused"]] == list(range(1, len(lines) + 1))
    for no, (_, _, column) in zip(report["refused"], SPOILT, strict=True):
        assert no["message"].startswith(f"第 {no['row']} 行“{column}”："), no
        assert not find_codes(no["message"]), no


def list_paths(given: Any, path: str = "") -> Iterator[str]:
    if isinstance(given, dict):
        for name, value in given.items():
            yield from list_paths(value, f"{path}.{name}" if path else name)
    elif isinstance(given, list):
        for n, value in enumerate(given):
            yield from list_paths(value, f"{path}.{n}")
    yield path


async def test_every_field_of_a_history_has_its_word(city: SampleCity) -> None:
    paths = sorted(set(filter(None, list_paths(TICKET))))
    lines = [change_ticket(path, [[1]]) for path in paths]
    report = await city.import_text("history", "\n".join(lines) + "\n")
    assert len(report["refused"]) > len(paths) // 2
    for no in report["refused"]:
        assert re.match(r"第 \d+ 行“[^”A-Za-z_]+”：", no["message"]) and not find_codes(no["message"]), no


def test_no_sentence_about_a_file_or_a_row_has_a_code_in_it() -> None:
    facts: dict[str, Any] = dict.fromkeys(
        (
            "value",
            "allowed",
            "heading",
            "fields",
            "field",
            "key",
            "kind",
            "message",
            "guess",
            "length",
            "limit",
            "low",
            "high",
            "count",
            "line",
        ),
        "某",
    )
    texts = load_texts()
    for code in (*texts["rows"], *texts["files"]):
        for reason in texts["phone_reasons"] if code == "bad_phone" else [""]:
            for what in {"contradiction": texts["contradictions"], "file_wrong_kind": texts["file_kinds"]}.get(
                code, [""]
            ):
                said = render_sentence(code, **{**facts, "reason": reason, "what": what})
                assert not find_codes(said), said
