"""The glossary has every stored word and no other, with the text people are shown."""

import re
from enum import StrEnum

from backend.domain import ticket_enums
from backend.domain.move_table import BY_VERB
from backend.domain.texts import Texts
from tests.house.source import ROOT

TEXT = (ROOT / "GLOSSARY.md").read_text("utf-8")
KINDS = {
    name: kind
    for name, kind in vars(ticket_enums).items()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
}
#: Verbs that mean what they say in English, so that the glossary need not name them.
PLAIN_VERBS = {
    "accept_progress", "amend", "answer", "cancel", "decide_extension", "decide_flag", "decide_objection", "flag",
    "object", "recompute", "regrade", "send_back", "start_visit",
}  # fmt: skip
IN_BACKTICKS = re.compile(r"`([^`]+)`")
WORD_AND_TEXT = re.compile(r"`(\w+)` ([^·|]+?) *(?:·|$)")


def read_stored_words(text: str = TEXT) -> dict[str, dict[str, str]]:
    """Return the table of stored words: kind → its words, each with the text people are shown."""
    rows = {}
    for line in text.split("## Stored words", 1)[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 2:
            rows[IN_BACKTICKS.findall(cells[0])[0]] = dict(WORD_AND_TEXT.findall(cells[1]))
    return rows


def test_the_glossary_lists_every_stored_word_and_no_other() -> None:
    assert {name: list(words) for name, words in read_stored_words().items()} == {
        name: [str(word) for word in kind] for name, kind in KINDS.items()
    }


def test_a_stored_word_that_the_glossary_lacks_is_found() -> None:
    words = read_stored_words(TEXT.replace(" · `urgent` 紧急", ""))
    assert list(words["Grade"]) == ["general"] and list(KINDS["Grade"]) == ["general", "urgent"]


def test_people_are_shown_the_texts_of_the_glossary() -> None:
    texts = Texts("zh_CN")
    for name, words in read_stored_words().items():
        group = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        assert words == {word: texts.get_word(group, word) for word in words}


def test_every_member_of_an_enumeration_the_glossary_names_exists() -> None:
    for name, member in re.findall(r"`(\w+)\.([A-Z_]+)`", TEXT):
        assert member in KINDS[name].__members__, f"{name}.{member}"


def test_the_glossary_names_every_verb_but_the_plain_ones() -> None:
    named = {word for words in IN_BACKTICKS.findall(TEXT) for word in re.findall(r"\w+", words)}
    assert set(BY_VERB) - named <= PLAIN_VERBS <= set(BY_VERB)
