"""Renders the sentences for refused files and rows from their text catalogue."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from backend.domain.refusals import Refused


@cache
def load_texts() -> dict[str, dict[str, str]]:
    """Load the catalogue by section: rows, phone_reasons, contradictions, files."""
    return tomllib.loads((files("backend") / "data" / "texts" / "importing.zh_CN.toml").read_text("utf-8"))


def render_sentence(code: str, field: str = "", **facts: Any) -> str:
    """Render the sentence for a refusal's code and facts. Raises KeyError for a code without a text."""
    texts = load_texts()
    facts = {"field": field, **facts}
    if code == "bad_phone":
        facts["reason"] = texts["phone_reasons"][facts["reason"]]
    elif code == "contradiction":
        facts["what"] = texts["contradictions"][facts["what"]]
    elif code == "file_encoding":
        facts["guess"] = texts["files"]["guess"].format_map(facts) if facts.get("guess") else ""
    template = texts["rows"].get(code) or texts["files"][code]
    return template.format_map(facts)


def render_refusal(refusal: Refused) -> str:
    """Render the sentence for a file that was refused as a whole."""
    return render_sentence(refusal.code, **refusal.facts)
