"""Renders the sentences for refused files and rows from their text catalogue."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from backend.domain.masking import cut, mask
from backend.domain.refusals import Refused
from backend.importing.files.form_types import choose_heading
from backend.tickets.new_ticket import TICKET_FIELDS

MAX_VALUE = 24  # characters of a cell as a sentence repeats it
_PLACE = re.compile(r"(\w+)(?:\[(\d+)])?")


@cache
def load_texts() -> dict[str, dict[str, str]]:
    """Load the catalogue by section: rows, phone_reasons, contradictions, history_fields, files."""
    return tomllib.loads((files("backend") / "data" / "texts" / "importing.zh_CN.toml").read_text("utf-8"))


def render_sentence(code: str, field: str = "", **facts: Any) -> str:
    """Render the sentence for a refusal's code and facts. Raises KeyError for a code without a text."""
    texts = load_texts()
    facts = {"field": field, "value": "", **facts}
    if code == "bad_phone":
        facts["reason"] = texts["phone_reasons"][facts["reason"]]
    elif code == "contradiction":
        facts["what"] = texts["contradictions"][facts["what"]]
    elif code == "file_wrong_kind":
        facts["what"] = texts["file_kinds"][facts["what"]]
    elif code == "file_encoding":
        facts["guess"] = texts["files"]["guess"].format_map(facts) if facts.get("guess") else ""
    code = "bad_day" if code == "bad_date" and facts.get("whole_day") else code
    template = texts["rows"].get(code) or texts["files"][code]
    return template.format_map(facts)


def render_refusal(refusal: Refused) -> str:
    """Render the sentence for a file that was refused as a whole."""
    return render_sentence(refusal.code, **refusal.facts)


def show_cell(value: object, refusal: Refused) -> dict[str, Any]:
    """Return the facts of a refused cell with its `value`: the beginning of it, and nobody's number."""
    shown = cut(mask(str(value), strict=refusal.code == "bad_phone"), MAX_VALUE)
    return {**refusal.facts, "value": refusal.facts.get("value") or shown}


def name_history_field(path: str) -> str:
    """Return the words for a path in a history, e.g. `assignments[0].closed_at`."""
    texts = load_texts()["history_fields"]
    words = {one.name: choose_heading(one.name, one.headings) for one in TICKET_FIELDS} | texts
    named = []
    for name, index in _PLACE.findall(path):
        numbered = f"{name}_n" if index else name
        named.append(words.get(numbered, "").format(n=int(index or 0) + 1))
    return "·".join(filter(None, named))
