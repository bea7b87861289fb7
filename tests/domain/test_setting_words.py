"""Settings in words: every code has one, what people read they may write, and a refusal speaks as the page does."""

import pytest

from backend.domain.refusals import Refused
from backend.domain.setting_words import (
    find_word,
    list_codes,
    read_value,
    word_allowed,
    word_facts,
    word_value,
    write_value,
)
from backend.domain.settings import Settings, load_catalogue, parse_value
from backend.domain.texts import Texts, list_languages

ZH = Texts("zh_CN")


@pytest.mark.parametrize("language", list_languages())
def test_every_code_of_every_setting_has_one_word_of_its_own(language: str) -> None:
    texts = Texts(language)
    for row in load_catalogue().values():
        words = [find_word(texts, row, code) for code in list_codes(row)]
        assert all(words) and len(set(words)) == len(words), (row.key, words)
        assert word_allowed(texts, row)


def test_no_code_of_ours_is_left_in_what_is_read() -> None:
    for key, row in load_catalogue().items():
        said = f"{row.label} {word_allowed(ZH, row)} {word_value(ZH, key, Settings().get(key))}"
        assert not [code for code in list_codes(row) if code.isalpha() and code in said], said


def test_every_value_may_be_written_as_it_is_shown() -> None:
    for key, row in load_catalogue().items():
        for value in (Settings().get(key), *(one for one in list_codes(row))):
            assert parse_value(key, read_value(ZH, row, write_value(ZH, row, value))) == value


def test_codes_may_still_be_written() -> None:
    row = load_catalogue()["visit.categories"]
    assert read_value(ZH, row, "求助,complaint、 咨询") == "help,complaint,consult"


def test_a_refusal_names_the_setting_and_what_may_be_written_in_words() -> None:
    for key, wrong in (("calls.daily_cost", "much"), ("escalation.order", "nobody"), ("card.red_at", "soon")):
        with pytest.raises(Refused) as caught:
            parse_value(key, wrong)
        said = ZH.render_refusal("bad_setting", word_facts(ZH, caught.value.facts))
        assert load_catalogue()[key].label in said and key not in said and " | " not in said
    assert word_facts(ZH, {"key": "no.such"}) == {"key": "no.such"}
