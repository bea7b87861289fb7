"""Form of a duty roster (值班表): one shift a row, as begin and end or as a day with hours (B19)."""

from datetime import datetime
from typing import Any

from backend.importing.files.form_types import Form, FormField, RowError
from backend.importing.files.records import RosterRow
from backend.tickets import form_fields

_NAME = form_fields.text_parser(200)


def _make_row(row: int, values: dict[str, Any], _: datetime) -> RosterRow:
    if values["begin"] is None and values["day"] is None:
        raise RowError("from", "missing_field")
    if values["begin"] is not None and values["end"] is None:
        raise RowError("to", "missing_field")
    return RosterRow(row, **values)


DUTY_ROSTER = Form(
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
    _make_row,
)
