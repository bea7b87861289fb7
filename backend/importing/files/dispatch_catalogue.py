"""Form of the dispatch catalogue (派单目录): which unit handles what, where, and by which document (A6)."""

from datetime import datetime
from typing import Any

from backend.importing.files import vocabulary
from backend.importing.files.form_types import Form, FormField
from backend.importing.files.records import CatalogueRow
from backend.tickets import form_fields
from backend.tickets.form_fields import enum_parser

_NAME = form_fields.text_parser(200)


def _make_row(row: int, values: dict[str, Any], _: datetime) -> CatalogueRow:
    return CatalogueRow(row, **values)


DISPATCH_CATALOGUE = Form(
    "catalogue",
    (
        FormField("category", enum_parser(vocabulary.CATEGORY), "类别|诉求类别|诉求类型|工单类别"),
        FormField("keywords", form_fields.text_parser(1000), "关键词|主题词|主题|诉求主题|事项|诉求事项|topic|keyword"),
        FormField("region", _NAME, "地区|所属地区|区域|行政区"),
        FormField("unit", _NAME, "承办单位|责任单位|单位|单位编码|单位名称|主办单位", required=True),
        FormField("basis", form_fields.text_parser(500), "依据|职责依据|文件依据|说明|备注|note"),
        FormField("valid_from", form_fields.parse_day, "生效日期|开始日期|起|起始日期"),
        FormField("valid_to", form_fields.parse_day, "失效日期|截止日期|止|终止日期"),
    ),
    _make_row,
)
