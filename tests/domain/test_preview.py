"""Every text of the catalogue can be previewed with sample facts, in both languages."""

import pytest

from backend.delivery.kinds import KINDS
from backend.domain.preview import match_keys, render_preview
from backend.domain.texts import Texts, list_languages


@pytest.mark.parametrize("language", list_languages())
def test_every_text_is_previewed_without_gaps(language: str) -> None:
    texts = Texts(language)
    shown = {key: render_preview(texts, key) for key in match_keys(texts, "")}
    assert len(shown) > 500 and not [key for key, text in shown.items() if "{" in text or "[[" in text]


def test_every_fact_in_a_text_sent_to_people_has_a_sample() -> None:
    texts = Texts("zh_CN")
    sent = tuple(kind.text for kind in KINDS.values() if kind.text)
    messages = [key for key in match_keys(texts, "") if key in sent or key.startswith(("sms.", "visit.V"))]
    assert [key for key in messages if "‹" in render_preview(texts, key)] == []


def test_a_text_is_found_by_its_short_name_and_shown_with_its_buttons() -> None:
    texts = Texts("zh_CN")
    assert list(match_keys(texts, "red_card")) == ["message.red_card"]
    assert render_preview(texts, "message.red_card").endswith("【填写答复】【说明情况】【提出异议】")
    assert match_keys(texts, "no such text") == []
