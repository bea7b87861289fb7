"""What a journal line was about, in words: the unit a ticket went to, yes or no, until when; for 办理过程."""

from collections.abc import Callable, Mapping
from typing import Any

from backend.domain.texts import Texts

#: Argument that is a code → the group its word is in.
CODES = {
    "grade": "grade",
    "category": "category",
    "channel": "channel",
    "reason_code": "reason_code",
    "close_type": "close_type",
    "way": "way",
    "class": "class",
    "signed_by": "signed_by",
    "reason_class": "delay",
    "flag": "flag",
    "answer": "answer",
    "contacted": "contacted",
    "resolved": "resolved",
    "because": "visit_reason",
}
#: Arguments that are yes or no.
YES_OR_NO = ("accept", "reached", "no_objection", "mass_incident", "confidential", "hard_case")
INSTANTS = ("close_due_at", "new_due_at", "due_at")
UNITS = ("unit",)
PLAIN = ("into", "repeat", "revisit_on")  # numbers of tickets, days
#: Written by people, below the line as they wrote it.
WRITTEN = (
    "reason",
    "text",
    "note",
    "feedback",
    "summary",
    "explanation",
    "conclusion",
    "cause",
    "responsibility",
    "improvement",
)
#: Shown as badges or files, or said by the line itself.
ELSEWHERE = frozenset(
    {
        "triage",
        "valid_complaint",
        "dispatch_kind",
        "files",
        "kind",
        "to",
        "dues",
        "ordered_by",
        "requester_informed",
        "at",
        "want_person",
        "sampled",
    }
)


def list_facts(
    texts: Texts, words: Mapping[str, Any], unit_names: Mapping[str, str], format_instant: Callable[[str], str]
) -> list[str]:
    """Return `label：value` of each argument that is no free text, in the order of the tables; codes are words."""
    found: list[tuple[str, str]] = []
    for name in UNITS:
        if words.get(name):
            found.append((name, unit_names.get(words[name], words[name])))
    for name in YES_OR_NO:
        if isinstance(words.get(name), bool):
            found.append((name, texts.render("console.yes" if words[name] else "console.no")))
    for name, group in CODES.items():
        if words.get(name):
            found.append((name, texts.get_word_or_value(group, str(words[name]))))
    for name in INSTANTS:
        if words.get(name):
            found.append((name, format_instant(words[name])))
    found += [(name, str(words[name])) for name in PLAIN if words.get(name)]
    return [texts.render("console.move_fact", label=_label(texts, name), value=value) for name, value in found]


def _label(texts: Texts, name: str) -> str:
    return texts.render(f"console.fact.{name}")
