"""Makes a value safe to put into an exported CSV or XLSX cell (FR10)."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from backend.domain.masking import clean, cut

#: What a spreadsheet program may take for a formula, full-width twins included, after blanks too.
_FORMULA: Final = re.compile(r"[\s\u00a0\u3000]*[=+\-@＝＋－＠|%]|[\t\r\n]")
#: Characters a spreadsheet cell can hold.
CELL_MAX: Final = 32_767


def export_cell(value: Any, zone: ZoneInfo | None = None) -> str | int | float | None:
    """A cell that is data and nothing else: numbers stay numbers, text that could be a formula gets a leading ',
    hostile signs are gone, text longer than a cell is cut with …; instants are written in `zone`, to the second.

    Naive datetimes raise ValueError: an export without a zone is a wrong export.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, Decimal):
        return str(value)  # marks are decimal strings; a minus sign before digits is a number, not a formula
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(value)
        return f"{value.astimezone(zone) if zone else value:%Y-%m-%d %H:%M:%S}"
    raw = str(value)
    text = clean(raw)
    if _FORMULA.match(text) or _FORMULA.match(raw):
        text = "'" + text
    return cut(text, CELL_MAX)
