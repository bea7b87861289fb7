"""What a cell of a file may hold besides text: folded spellings, yes and no, date serials, spreadsheet errors."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

#: Day 0 of the 1900 date base.
EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's serial has no zone
YES_NO: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("yes", "y", "true", "1", "是", "有", "√", "对"), True),
    **dict.fromkeys(("no", "n", "false", "0", "否", "无", "×", "不是"), False),
}
YES_NO_HINT: Final = "是、否"  # the spellings that a refusal names


class CellError:
    """A cell that holds a spreadsheet error such as #N/A instead of a value."""

    def __init__(self, text: str) -> None:
        self.text = text


def fold(text: str) -> str:
    """Normalise a spelling for comparison: NFKC, no white space, case-folded, no leading or trailing * or colon."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold().strip("*:")


def serial_to_datetime(number: float, epoch: datetime) -> datetime:
    """Convert a spreadsheet's day number to a naive datetime, to the second.

    `epoch` is day 0: 1899-12-30, or 1904-01-01 for workbooks with the 1904 date base (FF9).
    """
    if number < 60 and epoch.year < 1904:
        number += 1  # the 1900 base has a non-existent 1900-02-29
    return epoch + timedelta(seconds=round(number * 86_400))
