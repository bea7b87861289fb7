"""Every text can be looked at before anybody gets it, in both languages."""

import pytest

from backend.domain.preview import match_keys, render_preview
from backend.domain.texts import Texts, list_languages


@pytest.mark.parametrize("language", list_languages())
def test_every_text_can_be_shown_with_sample_facts(language: str) -> None:
    words = Texts(language)
    shown = {key: render_preview(words, key) for key in match_keys(words, "")}
    assert len(shown) > 500 and not [key for key, text in shown.items() if "{" in text or "[[" in text]


def test_the_texts_of_the_specification_need_no_fact_that_has_no_sample() -> None:
    words = Texts("zh_CN")
    messages = [key for key in match_keys(words, "") if key.startswith(("chat.M", "sms.S", "visit.V", "phone.P"))]
    assert [key for key in messages if "‹" in render_preview(words, key)] == []


def test_a_text_is_found_by_its_own_name_and_shows_its_buttons() -> None:
    words = Texts("zh_CN")
    assert list(match_keys(words, "M8")) == ["chat.M8"]
    assert render_preview(words, "chat.M8").endswith("【填写答复】【说明情况】【提出异议】")
    assert match_keys(words, "no such text") == []
