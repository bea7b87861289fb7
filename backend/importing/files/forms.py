"""The form of each kind of import: accepted headings, how each column is read, what is filled in (contract §4)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Channel, Grade, Role
from backend.importing.files import vocabulary
from backend.importing.files.form_types import Form, FormField, RowError
from backend.importing.files.records import (
    CalendarRow,
    CatalogueRow,
    ConnectRow,
    LedgerRow,
    PersonRow,
    RosterRow,
    TicketRow,
    UnitRow,
    VisitRow,
)
from backend.importing.files.vocabulary import LedgerKind, Level, VisitKind
from backend.tickets import form_fields, spellings
from backend.tickets.cell_values import fold
from backend.tickets.form_fields import FileContext, enum_parser
from backend.tickets.new_ticket import TICKET_FIELDS
from backend.tickets.validation import make_title

_NAME = form_fields.text_parser(200)
_TEXT = form_fields.text_parser(form_fields.TEXT_MAX, multiline=True)


def _make_unit(row: int, values: dict[str, Any], _: datetime) -> UnitRow:
    return UnitRow(row, **values)


def _make_person(row: int, values: dict[str, Any], _: datetime) -> PersonRow:
    if values["key_subject"] and not values["key_name"]:
        values["key_name"] = form_fields.extract_key_name(values["key_subject"])
    return PersonRow(row, **values)


def _make_ticket(row: int, values: dict[str, Any], now: datetime) -> TicketRow:
    """A reply given elsewhere is kept as provenance; it is not a reply of ours."""
    values["title"] = values["title"] or make_title(values["text"])
    values["generated_at"] = values["generated_at"] or now
    text, at = values.pop("reply_text"), values.pop("reply_at")
    reply = {"reply_text": text, "reply_at": at.isoformat() if at else None}
    return TicketRow(row=row, extra={k: v for k, v in reply.items() if v}, **values)


_ROSTER_LEVELS: Final = frozenset({Level.OK, Level.UNREASONABLE, Level.MISSING})
#: Kinds whose points depend on the level of government (B25, B26, B31 and their Annex 2 counterparts).
_KINDS_WITH_LEVEL: Final = frozenset({LedgerKind.HONOUR, LedgerKind.MEDIA, LedgerKind.CRITICISM})
_REQUIRED_FIELDS: Final[Mapping[LedgerKind, tuple[str, ...]]] = {
    LedgerKind.TASK: ("points",),
    LedgerKind.CONNECT: ("timely", "total"),
    **dict.fromkeys(_KINDS_WITH_LEVEL, ("level",)),
}


def _make_ledger(row: int, values: dict[str, Any], _: datetime) -> LedgerRow:
    kind, level = values["kind"], values["level"]
    for needed in _REQUIRED_FIELDS.get(kind, ()):
        if values[needed] is None:
            raise RowError(needed, "missing_field")
    if kind is LedgerKind.TASK and not 1 <= values["points"] <= 3:
        raise RowError("points", "bad_number", low=1, high=3)
    if kind is LedgerKind.CONNECT and values["timely"] > values["total"]:
        raise RowError("timely", "contradiction", what="rate_above_one")
    if kind is LedgerKind.ROSTER:
        values["level"] = level or Level.OK
        if values["level"] not in _ROSTER_LEVELS:
            raise RowError("level", "contradiction", what="level_of_roster")
    elif level in _ROSTER_LEVELS:
        raise RowError("level", "contradiction", what="level_of_matter")
    return LedgerRow(row, **values)


def _make_calendar(row: int, values: dict[str, Any], _: datetime) -> CalendarRow:
    values["working"] = values["working"] is vocabulary.DayKind.WORKING
    return CalendarRow(row, **values)


def _make_visit(row: int, values: dict[str, Any], _: datetime) -> VisitRow:
    if values["answer"] is None and values["contacted"] is None and values["resolved"] is None:
        raise RowError("answer", "missing_field")
    return VisitRow(row, **values)


def _make_catalogue_row(row: int, values: dict[str, Any], _: datetime) -> CatalogueRow:
    return CatalogueRow(row, **values)


_DISPATCH_CATALOGUE = Form(
    "catalogue",
    (
        FormField("category", enum_parser(spellings.CATEGORY), "类别|诉求类别|诉求类型|工单类别"),
        FormField("keywords", form_fields.text_parser(1000), "关键词|主题词|主题|诉求主题|事项|诉求事项|topic|keyword"),
        FormField("region", _NAME, "地区|所属地区|区域|行政区"),
        FormField("unit", _NAME, "承办单位|责任单位|单位|单位编码|单位名称|主办单位", required=True),
        FormField("basis", form_fields.text_parser(500), "依据|职责依据|文件依据|说明|备注|note"),
        FormField("valid_from", form_fields.parse_day, "生效日期|开始日期|起|起始日期"),
        FormField("valid_to", form_fields.parse_day, "失效日期|截止日期|止|终止日期"),
    ),
    _make_catalogue_row,
)


def _make_shift(row: int, values: dict[str, Any], _: datetime) -> RosterRow:
    if values["begin"] is None and values["day"] is None:
        raise RowError("from", "missing_field")
    if values["begin"] is not None and values["end"] is None:
        raise RowError("to", "missing_field")
    return RosterRow(row, **values)


_DUTY_ROSTER = Form(
    "roster",
    (
        FormField("unit", _NAME, "单位|单位编码|单位名称|值班单位", required=True),
        FormField("person", _NAME, "值班人员|值班人|姓名|人员|人员编码|name", required=True),
        FormField("deputy", _NAME, "副班|副班人员|备班|备班人员|替补"),
        FormField("begin", form_fields.parse_instant, "from|开始|开始时间|起|起始时间|上班时间"),
        FormField("end", form_fields.parse_instant, "to|结束|结束时间|止|截止时间|下班时间"),
        FormField("day", form_fields.parse_day, "date|日期|值班日期"),
        FormField("hours", form_fields.text_parser(40), "time|班次|时段|值班时段|值班时间"),
    ),
    _make_shift,
)


def _make_connect(row: int, values: dict[str, Any], now: datetime) -> ConnectRow:
    if values["day"] > now.date():
        raise RowError("day", "contradiction", what="day_to_come")
    if values["answered"] > values["offered"]:
        raise RowError("answered", "contradiction", what="more_answered")
    if values["answered"] + (values["abandoned"] or 0) > values["offered"]:
        raise RowError("abandoned", "contradiction", what="more_abandoned")
    return ConnectRow(row, **values)


_COUNT: Final = form_fields.integer_parser(0, 10_000_000)
_CONNECT_COUNTS = Form(
    "connect",
    (
        FormField("unit", _NAME, "管理机构|单位|单位编码|单位名称|机构名称", required=True),
        FormField("day", form_fields.parse_day, "日期|date|统计日期", required=True),
        FormField("channel", form_fields.word_parser(spellings.CHANNEL), "渠道|受理渠道|诉求渠道|来源", required=True),
        FormField("offered", _COUNT, "来话量|呼入量|诉求量|诉求总量|来电量", required=True),
        FormField("answered", _COUNT, "接通量|接听量|及时受理量|应答量", required=True),
        FormField("abandoned", _COUNT, "放弃量|呼损量|未接量"),
    ),
    _make_connect,
    unique_keys=(("unit", "day", "channel"),),
)


def _list_ticket_columns() -> Iterator[FormField]:
    for one in TICKET_FIELDS:
        required = one.name in ("ticket_no", "text")
        yield FormField(one.name, one.parse, one.headings, required, None if required else one.default)


_FORMS: Final = (
    Form(
        "units",
        (
            FormField("code", form_fields.parse_code, "编码|编号|单位编码|单位编号", required=True),
            FormField("name", _NAME, "名称|单位名称|单位|机构名称", required=True),
            FormField("kind", enum_parser(vocabulary.UNIT_KIND), "类型|单位类型|类别|机构类型", required=True),
            FormField("region", _NAME, "地区|所属地区|区域|行政区"),
            FormField("parent", _NAME, "上级|上级单位|上级编码|上级机构"),
            FormField(
                "province_department",
                form_fields.parse_yes_no,
                "省直部门|是否省直部门|省级部门|是否省级部门",
            ),
        ),
        _make_unit,
        unique_keys=(("code",),),
    ),
    Form(
        "people",
        (
            FormField("code", form_fields.parse_code, "编码|编号|人员编码|人员编号|工号"),
            FormField("name", form_fields.text_parser(60), "姓名|名字", required=True),
            FormField(
                "unit",
                _NAME,
                "单位|单位编码|单位名称|承办单位|代办处名称|代办处名称(区)|代办处",
                required=True,
            ),
            FormField("role", enum_parser(vocabulary.ROLE), "角色|职责|岗位", required=True),
            FormField("phone", form_fields.parse_phone, "联系电话|电话|手机|手机号|手机号码|电话号码", required=True),
            FormField("key_name", _NAME, "密钥名称|密钥"),
            FormField("key_authorised", form_fields.parse_yes_no, "模块授权|是否授权|密钥授权"),
            FormField("key_subject", form_fields.parse_key_subject, "颁发给|证书颁发给|证书主题"),
        ),
        _make_person,
        unique_keys=(("code",), ("unit", "phone")),
        heading_defaults={"代办处名称(区)": {"role": Role.HANDLER}, "代办处名称": {"role": Role.HANDLER}},
    ),
    Form(
        "tickets",
        (
            *_list_ticket_columns(),
            FormField("reply_text", _TEXT, "答复意见|答复内容"),
            FormField("reply_at", form_fields.parse_instant, "答复时间"),
        ),
        _make_ticket,
        unique_keys=(("ticket_no",),),
        heading_defaults={"留言编号": {"category": Category.HELP, "grade": Grade.GENERAL, "channel": Channel.WEB}},
    ),
    Form(
        "ledger",
        (
            FormField("kind", enum_parser(vocabulary.LEDGER_KIND), "类型|台账类型|事项|项目", required=True),
            FormField("unit", _NAME, "单位|单位编码|单位名称", required=True),
            FormField("month", form_fields.parse_month, "月份|月|所属月份", required=True),
            FormField("count", form_fields.integer_parser(0, 1_000_000), "数量|次数|件数", default=1),
            FormField("level", enum_parser(vocabulary.LEVEL), "级别|层级"),
            FormField("matter", _NAME, "事项编号|同一事项|matter_id"),
            FormField("points", form_fields.decimal_parser("0", "1000"), "分值|分数"),
            FormField("note", form_fields.text_parser(2000, multiline=True), "说明|备注"),
            FormField("evidence", form_fields.text_parser(500), "证据|材料|佐证材料"),
            FormField("timely", form_fields.integer_parser(0, 100_000_000), "及时数|接通数"),
            FormField("total", form_fields.integer_parser(0, 100_000_000), "总数|诉求总量"),
            FormField("tickets", form_fields.parse_ticket_numbers, "工单编号|相关工单|工单号", default=()),
        ),
        _make_ledger,
    ),
    Form(
        "calendar",
        (
            FormField("day", form_fields.parse_day, "date|日期", required=True),
            FormField("working", enum_parser(vocabulary.DAY_KIND), "是否工作日|类型|kind|工作日", required=True),
            FormField("name", _NAME, "名称|节日|说明|备注|note"),
        ),
        _make_calendar,
        unique_keys=(("day",),),
    ),
    Form(
        "visits",
        (
            FormField("ticket_no", form_fields.parse_code, "工单编号|工单号|编号", required=True),
            FormField("kind", enum_parser(vocabulary.VISIT_KIND), "回访方式|方式|类型", default=VisitKind.MANUAL),
            FormField("at", form_fields.parse_instant, "回访时间|时间", required=True),
            FormField("contacted", enum_parser(vocabulary.CONTACTED), "是否联系|响应|是否联系过"),
            FormField("resolved", enum_parser(vocabulary.RESOLVED), "是否解决|解决|解决情况"),
            FormField("answer", enum_parser(vocabulary.ANSWER), "满意度|是否满意|评价"),
            FormField("note", form_fields.text_parser(2000, multiline=True), "说明|备注|回访内容"),
        ),
        _make_visit,
        unique_keys=(("ticket_no", "kind", "at"),),
    ),
    _DUTY_ROSTER,
    _DISPATCH_CATALOGUE,
    _CONNECT_COUNTS,
)
FORMS: Final[Mapping[str, Form]] = {form.kind: form for form in _FORMS}


def parse_set_values(form: Form, given: Mapping[str, str], context: FileContext) -> dict[str, object]:
    """Parse the values of `--set field=value` as their columns would be.

    Raises Refused `unknown_field`, `bad_set_value` (with the inner code in `reason`).
    """
    from backend.importing.files.messages import render_sentence

    known = form.index_by_heading()
    found: dict[str, object] = {}
    for heading, value in given.items():
        column = known.get(fold(heading))
        if column is None:
            raise Refused("unknown_field", field=heading)
        try:
            found[column.name] = column.parse(value, context)
        except Refused as refusal:
            message = render_sentence(refusal.code, heading, **refusal.facts)
            raise Refused("bad_set_value", field=heading, reason=refusal.code, message=message) from refusal
    return found
