"""What a button carries: a verb, an assignment (or request) and the version of its card; at most 64 bytes."""

import hashlib
import re
from dataclasses import dataclass

#: Verbs of buttons by the short code that is sent: verbs of the move table and of the bot alike.
VERB_CODES = {
    "s": "sign", "v": "view", "t": "return", "c": "contact", "r": "reply", "z": "close", "e": "extend",
    "p": "report_progress", "y": "agree", "n": "disagree", "gs": "seal", "gl": "leader", "go": "go_on",
    "bk": "go_back", "f": "view_files", "d": "pass_to_duty", "ob": "object", "ex": "explain", "co": "coordinate",
    "td": "todo", "sn": "snooze", "ok": "confirm", "cs": "call_supervisor",
    "ry": "reached", "rm": "met", "rn": "not_reached", "in": "informed", "iv": "informed_in_person",
    "cl": "class", "po": "progress_ok", "pn": "progress_no", "su": "supervise", "ca": "call_unit", "sb": "send_back",
    "rw": "rework", "w": "whole", "nx": "next", "pg": "todo_page", "at": "attach", "an": "not_attach",
    "li": "lines", "ct": "contest", "cn": "contest_line", "dd": "drop_draft", "sm": "submit", "xp": "explained",
    "og": "confirm_order", "od": "drop_order", "ol": "overdue", "fl": "undelivered",
    "ho": "hand_on", "he": "entrust", "ht": "transfer",
}  # fmt: skip
_CODE_OF = {verb: short for short, verb in VERB_CODES.items()}
_PATTERN = re.compile(r"1\.([a-z]{1,2})\.(\d{1,15})\.(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ButtonData:
    """A pressed button: `subject` is an assignment id, a request id for agree, disagree and class,
    or a scoring run for lines, contest and contest_line.

    `value` is the assignment's version; under a draft its number (XM7); for `class` the index of the class in
    `UNREASONABLE_CLASSES`; for `contest_line` that of the line in the sheet; for entrust and transfer what `hash_code` makes of the unit's code.
    """

    verb: str
    subject: int
    value: int = 0


def hash_code(code: str) -> int:
    """Return a number of at most nine digits that stands for a unit's code on a button."""
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:8]) % 10**9


def encode(press: ButtonData) -> str:
    """Return the callback data of a press. Raises KeyError for a verb that no button has."""
    return f"1.{_CODE_OF[press.verb]}.{press.subject}.{press.value}"


def decode(data: str | None) -> ButtonData | None:
    """Parse callback data; None for anything forged, empty or of an old format (FT13)."""
    found = _PATTERN.fullmatch(data or "")
    if found is None or found[1] not in VERB_CODES:
        return None
    return ButtonData(VERB_CODES[found[1]], int(found[2]), int(found[3]))
