"""Makes values safe for exported CSV and XLSX cells (FR10)."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from backend.domain.masking import clean, cut

#: What a spreadsheet program may take for a formula: also full-width signs, also after blanks.
_FORMULA: Final = re.compile(r"[\s\u00a0\u3000]*[=+\-@＝＋－＠|%]|[\t\r\n]")
#: Characters a spreadsheet cell can hold.
CELL_MAX: Final = 32_767


def export_cell(value: Any, zone: ZoneInfo | None = None) -> str | int | float | None:
    """Return a cell that is only data: numbers stay numbers, text that could be a formula gets a leading ',
    control characters are removed, over-long text is cut with …; instants are written in `zone`, to the second.

    Raises ValueError for naive datetimes: an export without a zone is a wrong export.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, Decimal):
        return str(value)  # scores are decimal strings; a minus sign before digits is a number, not a formula
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(value)
        return f"{value.astimezone(zone) if zone else value:%Y-%m-%d %H:%M:%S}"
    raw = str(value)
    text = clean(raw)
    if _FORMULA.match(text) or _FORMULA.match(raw):
        text = "'" + text
    return cut(text, CELL_MAX)
