"""The form of each kind of import: accepted headings, how each column is read, what is filled in (contract §4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from backend.domain.masking import cut
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Channel, Grade, Role
from backend.paper import words
from backend.paper.catalogue import CATALOGUE
from backend.paper.form import Field, Form, RowFault
from backend.paper.records import CalendarRow, LedgerRow, PersonRow, TicketRow, UnitRow, VisitRow
from backend.paper.roster import ROSTER
from backend.paper.words import LedgerKind, Level, VisitKind, fold
from backend.tickets import form_fields
from backend.tickets.form_fields import FileContext, enum_parser

_NAME = form_fields.text_parser(200)
_TEXT = form_fields.text_parser(form_fields.TEXT_MAX, multiline=True)


def _unit(row: int, values: dict[str, Any], _: datetime) -> UnitRow:
    return UnitRow(row, **values)


def _person(row: int, values: dict[str, Any], _: datetime) -> PersonRow:
    if values["key_subject"] and not values["key_name"]:
        values["key_name"] = form_fields.extract_key_name(values["key_subject"])
    return PersonRow(row, **values)


def _ticket(row: int, values: dict[str, Any], now: datetime) -> TicketRow:
    values["title"] = values["title"] or cut(" ".join(values["text"].split()), 40)
    values["generated_at"] = values["generated_at"] or now
    return TicketRow(row, **values)


_ROSTER: Final = frozenset({Level.OK, Level.UNREASONABLE, Level.MISSING})
#: Kinds whose points depend on the level of government (B25, B26, B31 and their Annex 2 counterparts).
_LEVELLED: Final = frozenset({LedgerKind.HONOUR, LedgerKind.MEDIA, LedgerKind.CRITICISM})
_NEEDS: Final[Mapping[LedgerKind, tuple[str, ...]]] = {
    LedgerKind.TASK: ("points",),
    LedgerKind.CONNECT: ("timely", "total"),
    **dict.fromkeys(_LEVELLED, ("level",)),
}


def _ledger(row: int, values: dict[str, Any], _: datetime) -> LedgerRow:
    kind, level = values["kind"], values["level"]
    for needed in _NEEDS.get(kind, ()):
        if values[needed] is None:
            raise RowFault(needed, "missing_field")
    if kind is LedgerKind.TASK and not 1 <= values["points"] <= 3:
        raise RowFault("points", "bad_number", low=1, high=3)
    if kind is LedgerKind.CONNECT and values["timely"] > values["total"]:
        raise RowFault("timely", "contradiction", what="rate_above_one")
    if kind is LedgerKind.ROSTER:
        values["level"] = level or Level.OK
        if values["level"] not in _ROSTER:
            raise RowFault("level", "contradiction", what="level_of_roster")
    elif level in _ROSTER:
        raise RowFault("level", "contradiction", what="level_of_matter")
    return LedgerRow(row, **values)


def _calendar(row: int, values: dict[str, Any], _: datetime) -> CalendarRow:
    values["working"] = values["working"] is words.DayKind.WORKING
    return CalendarRow(row, **values)


def _visit(row: int, values: dict[str, Any], _: datetime) -> VisitRow:
    if values["answer"] is None and values["contacted"] is None and values["resolved"] is None:
        raise RowFault("answer", "missing_field")
    return VisitRow(row, **values)


_FORMS: Final = (
    Form(
        "units",
        (
            Field("code", form_fields.parse_code, "编码|编号|单位编码|单位编号", required=True),
            Field("name", _NAME, "名称|单位名称|单位|机构名称", required=True),
            Field("kind", enum_parser(words.UNIT_KIND), "类型|单位类型|类别|机构类型", required=True),
            Field("region", _NAME, "地区|所属地区|区域|行政区"),
            Field("parent", _NAME, "上级|上级单位|上级编码|上级机构"),
            Field(
                "province_department",
                form_fields.parse_yes_no,
                "省直部门|是否省直部门|省级部门|是否省级部门",
                default=False,
            ),
        ),
        _unit,
        keys=(("code",),),
    ),
    Form(
        "people",
        (
            Field("code", form_fields.parse_code, "编码|编号|人员编码|人员编号|工号"),
            Field("name", form_fields.text_parser(60), "姓名|名字", required=True),
            Field(
                "unit",
                _NAME,
                "单位|单位编码|单位名称|承办单位|代办处名称|代办处名称(区)|代办处",
                required=True,
            ),
            Field("role", enum_parser(words.ROLE), "角色|职责|岗位", required=True),
            Field("phone", form_fields.parse_phone, "联系电话|电话|手机|手机号|手机号码|电话号码", required=True),
            Field("key_name", _NAME, "密钥名称|密钥"),
            Field("key_authorised", form_fields.parse_yes_no, "模块授权|是否授权|密钥授权"),
            Field("key_subject", form_fields.parse_key_subject, "颁发给|证书颁发给|证书主题"),
        ),
        _person,
        keys=(("code",), ("unit", "phone")),
        dialects={"代办处名称(区)": {"role": Role.HANDLER}, "代办处名称": {"role": Role.HANDLER}},
    ),
    Form(
        "tickets",
        (
            Field("ticket_no", form_fields.parse_code, "工单编号|工单号|编号|留言编号", required=True),
            Field("category", enum_parser(words.CATEGORY), "类别|诉求类别|诉求类型|工单类别|工单类型"),
            Field("grade", enum_parser(words.GRADE), "级别|紧急程度|工单级别"),
            Field("channel", enum_parser(words.CHANNEL), "渠道|来源|诉求渠道|受理渠道"),
            Field("title", form_fields.text_parser(300), "标题|主题|诉求标题|留言主题"),
            Field("text", _TEXT, "内容|诉求内容|详情|诉求|留言详情", required=True),
            Field("place", form_fields.text_parser(500), "地点|地址|事发地点|事发地址"),
            Field("region", _NAME, "地区|所属地区|区域|行政区"),
            Field("requester_name", _NAME, "name|诉求人|诉求人姓名|来电人|姓名|留言用户|requester.name"),
            Field(
                "requester_phone",
                form_fields.parse_phone,
                "phone|诉求人电话|联系电话|电话|来电号码|手机号|requester.phone",
            ),
            Field("generated_at", form_fields.parse_instant, "生成时间|受理时间|工单生成时间"),
            Field("confidential", form_fields.parse_yes_no, "保密|是否保密", default=False),
            Field("submitted_at", form_fields.parse_instant, "提交时间|诉求时间|来电时间|留言时间"),
            Field("reply_text", _TEXT, "答复意见|答复内容"),
            Field("reply_at", form_fields.parse_instant, "答复时间"),
        ),
        _ticket,
        keys=(("ticket_no",),),
        dialects={"留言编号": {"category": Category.HELP, "grade": Grade.GENERAL, "channel": Channel.WEB}},
    ),
    Form(
        "ledger",
        (
            Field("kind", enum_parser(words.LEDGER_KIND), "类型|台账类型|事项|项目", required=True),
            Field("unit", _NAME, "单位|单位编码|单位名称", required=True),
            Field("month", form_fields.parse_month, "月份|月|所属月份", required=True),
            Field("count", form_fields.integer_parser(0, 1_000_000), "数量|次数|件数", default=1),
            Field("level", enum_parser(words.LEVEL), "级别|层级"),
            Field("matter", _NAME, "事项编号|同一事项|matter_id"),
            Field("points", form_fields.decimal_parser("0", "1000"), "分值|分数"),
            Field("note", form_fields.text_parser(2000, multiline=True), "说明|备注"),
            Field("evidence", form_fields.text_parser(500), "证据|材料|佐证材料"),
            Field("timely", form_fields.integer_parser(0, 100_000_000), "及时数|接通数"),
            Field("total", form_fields.integer_parser(0, 100_000_000), "总数|诉求总量"),
        ),
        _ledger,
    ),
    Form(
        "calendar",
        (
            Field("day", form_fields.parse_day, "date|日期", required=True),
            Field("working", enum_parser(words.DAY), "是否工作日|类型|kind|工作日", required=True),
            Field("name", _NAME, "名称|节日|说明|备注|note"),
        ),
        _calendar,
        keys=(("day",),),
    ),
    Form(
        "visits",
        (
            Field("ticket_no", form_fields.parse_code, "工单编号|工单号|编号", required=True),
            Field("kind", enum_parser(words.VISIT_KIND), "回访方式|方式|类型", default=VisitKind.MANUAL),
            Field("at", form_fields.parse_instant, "回访时间|时间", required=True),
            Field("contacted", enum_parser(words.CONTACTED), "是否联系|响应|是否联系过"),
            Field("resolved", enum_parser(words.RESOLVED), "是否解决|解决|解决情况"),
            Field("answer", enum_parser(words.ANSWER), "满意度|是否满意|评价"),
            Field("note", form_fields.text_parser(2000, multiline=True), "说明|备注|回访内容"),
        ),
        _visit,
        keys=(("ticket_no", "kind", "at"),),
    ),
    ROSTER,
    CATALOGUE,
)
FORMS: Final[Mapping[str, Form]] = {form.kind: form for form in _FORMS}


def set_values_of(form: Form, given: Mapping[str, str], context: FileContext) -> dict[str, Any]:
    """Parse the values of `--set field=value` as their columns would be.

    Raises Refused `unknown_field`, `bad_set_value` (with the inner code in `reason`).
    """
    from backend.paper.messages import sentence

    known = form.by_heading()
    found: dict[str, Any] = {}
    for heading, value in given.items():
        column = known.get(fold(heading))
        if column is None:
            raise Refused("unknown_field", field=heading)
        try:
            found[column.name] = column.read(value, context)
        except Refused as no:
            words_of_it = sentence(no.code, heading, **no.facts)
            raise Refused("bad_set_value", field=heading, reason=no.code, message=words_of_it) from no
    return found
