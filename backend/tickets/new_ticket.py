"""A demand as it comes in, each field declared once: the API's body, the files' columns, checks and the ticket follow it."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Annotated, Any, Final, get_args, get_type_hints

from backend.domain.records import Ticket
from backend.domain.ticket_enums import Category, Grade
from backend.tickets import form_fields, spellings
from backend.tickets.form_fields import FieldParser


@dataclass(frozen=True, slots=True)
class TicketField:
    """How a field is read; name, type and default are those of its declaration.

    `headings` are what a file may call it besides its name, separated by |. `json_chars` is the most the API takes of a text.
    With `tidied` intake reads it by `parse` whichever way it came.
    """

    parse: FieldParser
    headings: str
    json_chars: int = 200
    tidied: bool = False
    name: str = ""
    type: Any = str
    default: object = None


def _text(limit: int, headings: str, *, json_chars: int = 200, multiline: bool = False) -> TicketField:
    return TicketField(form_fields.text_parser(limit, multiline=multiline), headings, json_chars, tidied=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """A demand as submitted (contract §4); absent values are None or empty.

    A field with a `TicketField` is read at every edge, in this order; one that `Ticket` has too is copied into it.
    """

    ticket_no: Annotated[
        str | None, TicketField(form_fields.parse_code, "工单编号|工单号|编号|留言编号", tidied=True)
    ] = None
    category: Annotated[
        Category | None,
        TicketField(form_fields.enum_parser(spellings.CATEGORY), "类别|诉求类别|诉求类型|工单类别|工单类型"),
    ] = None
    grade: Annotated[Grade | None, TicketField(form_fields.enum_parser(spellings.GRADE), "级别|紧急程度|工单级别")] = (
        None
    )
    #: one of `ticket.channels`
    channel: Annotated[
        str | None, TicketField(form_fields.word_parser(spellings.CHANNEL), "渠道|来源|诉求渠道|受理渠道", 40)
    ] = None
    title: Annotated[str, _text(300, "标题|主题|诉求标题|留言主题")] = ""
    text: Annotated[
        str, _text(form_fields.TEXT_MAX, "内容|诉求内容|详情|诉求|留言详情", json_chars=20_000, multiline=True)
    ] = ""
    place: Annotated[str, _text(500, "地点|地址|事发地点|事发地址")] = ""
    region: Annotated[str, _text(200, "地区|所属地区|区域|行政区")] = ""
    requester_name: Annotated[str | None, _text(200, "name|诉求人|诉求人姓名|来电人|姓名|留言用户|requester.name")] = (
        None
    )
    #: in any notation; stored as E.164
    requester_phone: Annotated[
        str | None,
        TicketField(form_fields.parse_phone, "phone|诉求人电话|联系电话|电话|来电号码|手机号|requester.phone", 40),
    ] = None
    #: default: now
    generated_at: Annotated[
        datetime | None, TicketField(form_fields.parse_instant, "生成时间|受理时间|工单生成时间")
    ] = None
    confidential: Annotated[bool, TicketField(form_fields.parse_yes_no, "保密|是否保密")] = False
    submitted_at: Annotated[
        datetime | None, TicketField(form_fields.parse_instant, "提交时间|诉求时间|来电时间|留言时间")
    ] = None
    do_not_call: bool = False  # the requester asked not to be called (FW33)
    files: tuple[str, ...] = ()  # what the requester sent, stored before (XM25)
    extra: Mapping[str, Any] = field(default_factory=dict)  # provenance, stored as received

    @property
    def copied(self) -> dict[str, Any]:
        """What the ticket takes as it is, by its field there."""
        return dict(zip(COPIED, _get_copied(self), strict=True))


def _list_fields() -> tuple[TicketField, ...]:
    hints, found = get_type_hints(NewTicket, include_extras=True), []
    for one in fields(NewTicket):
        type_, *marks = get_args(hints[one.name]) or (hints[one.name],)
        found += [
            replace(m, name=one.name, type=type_, default=one.default) for m in marks if isinstance(m, TicketField)
        ]
    return tuple(found)


#: The fields that are read at every edge.
TICKET_FIELDS: Final = _list_fields()
#: Fields of a ticket that intake decides by what came in.
_DECIDED: Final = frozenset(("ticket_no", "grade", "channel", "generated_at", "do_not_call", "files"))
COPIED: Final = tuple(one.name for one in fields(NewTicket) if one.name in {f.name for f in fields(Ticket)} - _DECIDED)
_get_copied: Final = operator.attrgetter(*COPIED)
