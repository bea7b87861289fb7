"""The glossary binds code and speech: every stored word stands in it, and no other."""

import re
from enum import StrEnum

from backend.domain import ticket
from backend.domain.move_table import BY_VERB
from backend.domain.texts import Texts
from tests.house.source import ROOT

TEXT = (ROOT / "GLOSSARY.md").read_text("utf-8")
KINDS = {
    name: kind
    for name, kind in vars(ticket).items()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
}
TICKED = re.compile(r"`([^`]+)`")
SAID = re.compile(r"`(\w+)` ([^·|]+?) *(?:·|$)")


def _stored() -> dict[str, dict[str, str]]:
    """The rows of the table of stored words: kind → its words, each with what people are shown."""
    rows = {}
    for line in TEXT.split("## Stored words", 1)[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 2:
            rows[TICKED.findall(cells[0])[0]] = dict(SAID.findall(cells[1]))
    return rows


def test_every_stored_word_stands_in_the_glossary_and_no_other() -> None:
    assert {name: list(words) for name, words in _stored().items()} == {
        name: [str(word) for word in kind] for name, kind in KINDS.items()
    }


def test_people_are_shown_the_words_of_the_glossary() -> None:
    catalogue = Texts("zh_CN")
    for name, words in _stored().items():
        group = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        assert words == {word: catalogue.get_word(group, word) for word in words}


def test_every_identifier_the_glossary_binds_to_an_enumeration_exists() -> None:
    for name, member in re.findall(r"`(\w+)\.([A-Z_]+)`", TEXT):
        assert member in KINDS[name].__members__, f"{name}.{member}"


def test_the_verbs_the_glossary_names_are_verbs_of_the_table() -> None:
    """The second column of the second section names verbs where it is not a class, a field or a kind."""
    section = TEXT.split("## The ticket and what is done to it", 1)[1].split("\n## ", 1)[0]
    said = {word for line in section.splitlines() for word in TICKED.findall(line)}
    spoken = {"accept", "dispatch", "reassign", "sign", "auto_sign", "return", "decide_return", "extend", "contact",
              "reply", "close", "finalize", "archive", "decide_close", "supervise", "report_progress", "yellow_card",
              "red_card", "rework", "claim_unreasonable", "decide_unreasonable", "appeal", "merge", "review"}  # fmt: skip
    assert spoken <= said
    assert spoken <= set(BY_VERB)
