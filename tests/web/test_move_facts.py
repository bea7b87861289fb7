"""Every step of a ticket has its line in 办理过程, in either language, with words where the journal has codes."""

import re
from typing import Any

import pytest

from backend.domain.texts import Texts, list_languages
from backend.domain.verb_fields import FIELDS, Field, OneOf
from backend.web import timeline_shapes
from backend.web.console.move_facts import CODES, ELSEWHERE, INSTANTS, PLAIN, UNITS, WRITTEN, YES_OR_NO, list_facts

#: What is in the journal and no act: a demand comes in, or is brought from an older platform.
ARRIVALS = ("create", "import")
KNOWN = {*CODES, *YES_OR_NO, *INSTANTS, *UNITS, *PLAIN, *WRITTEN, *ELSEWHERE}
AT = "2026-11-10T17:00:00+08:00"
CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\b(?:true|false|None|U01)\b")
VALUES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(INSTANTS, (AT,)),
    **dict.fromkeys(UNITS, ("U01",)),
    **dict.fromkeys(PLAIN, ("2026-11-10",)),
    "channel": ("phone",),
}


def list_values(field: Field) -> tuple[Any, ...]:
    """Values the journal may have of a field: all its codes, or one of its kind."""
    if isinstance(field.read, OneOf):
        return field.read.words
    return VALUES.get(field.name, (True, False))


EACH_LANGUAGE = pytest.mark.parametrize("language", list_languages())


@EACH_LANGUAGE
@pytest.mark.parametrize("verb", [*FIELDS, *ARRIVALS])
def test_every_kind_of_move_has_a_line_in_words(verb: str, language: str) -> None:
    texts = Texts(language)
    assert texts.has(f"word.verb.{verb}")
    for field in FIELDS.get(verb, ()):
        assert field.name in KNOWN, f"{verb}: 办理过程 says nothing of {field.name}"
        if field.name in ELSEWHERE or field.name in WRITTEN:
            continue
        for value in list_values(field):
            (fact,) = list_facts(texts, {field.name: value}, {"U01": "Water"}, lambda _at: "10 Nov")
            assert not CODE.search(fact), fact
            assert language == "en" or not re.search(r"\b[a-z]{3,}", fact), fact


@EACH_LANGUAGE
def test_every_kind_of_item_has_a_branch_of_its_own(language: str) -> None:
    """The page's last branch is the visit's; moves, messages, calls and the rest each have one."""
    from importlib.resources import files

    page = (files("backend") / "web/console/templates/ticket.html").read_text("utf-8")
    kinds = re.findall(r'type: Literal\["(\w+)"\]', (files("backend") / "web/timeline_shapes.py").read_text("utf-8"))
    assert len(kinds) == 8 and "rating_page" in kinds
    for kind in set(kinds) - {"visit", "duty"}:  # duties have a list of their own on the page
        assert f'item.type == "{kind}"' in page
    contract = (files("backend").joinpath("..") / "docs/contract.md").read_text("utf-8")
    assert all(f"`{kind}`" in contract for kind in kinds)
    assert timeline_shapes.__doc__
