"""Form of the dispatch catalogue (派单目录): which unit handles what, where, and by which document (A6)."""

from datetime import datetime
from typing import Any

from backend.paper import fields, words
from backend.paper.fields import word
from backend.paper.form import Field, Form
from backend.paper.records import CatalogueRow

_NAME = fields.text(200)


def _row(row: int, values: dict[str, Any], _: datetime) -> CatalogueRow:
    return CatalogueRow(row, **values)


CATALOGUE = Form(
    "catalogue",
    (
        Field("category", word(words.CATEGORY), "类别|诉求类别|诉求类型|工单类别"),
        Field("keywords", fields.text(1000), "关键词|主题词|主题|诉求主题|事项|诉求事项|topic|keyword"),
        Field("region", _NAME, "地区|所属地区|区域|行政区"),
        Field("unit", _NAME, "承办单位|责任单位|单位|单位编码|单位名称|主办单位", required=True),
        Field("basis", fields.text(500), "依据|职责依据|文件依据|说明|备注|note"),
        Field("valid_from", fields.day, "生效日期|开始日期|起|起始日期"),
        Field("valid_to", fields.day, "失效日期|截止日期|止|终止日期"),
    ),
    _row,
)
