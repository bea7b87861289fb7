"""Every message about a ticket names it by number and title; none tells a chat to refresh (XM11)."""

import pytest

from backend.delivery.content import TEXT_BY_FACT, get_text_key
from backend.delivery.kinds import KINDS, REVIEWS
from backend.domain.texts import Texts, find_placeholders, list_languages

ABOUT_NO_TICKET = {"daily_digest", "chat_lost"}  # a digest; a colleague's address
OF_PAGES = {"stale_form"}  # refusals of forms
CHAT_KINDS = [name for name, kind in KINDS.items() if kind.text.startswith("message.") and name not in ABOUT_NO_TICKET]


@pytest.mark.parametrize("language", list_languages())
@pytest.mark.parametrize("kind", CHAT_KINDS)
def test_every_message_about_a_ticket_says_which_XM11(kind: str, language: str) -> None:
    of_facts = TEXT_BY_FACT.get(kind, ("", {}))[1].values()
    keys = {text for text, _ in REVIEWS.values()} if kind == "review_requested" else {get_text_key(kind, {}), *of_facts}
    for key in keys:
        assert {"ticket_no", "ticket"} & find_placeholders(Texts(language).get_template(key)), key


@pytest.mark.parametrize("language", list_languages())
def test_nobody_in_a_chat_is_told_to_refresh_XM11(language: str) -> None:
    texts = Texts(language)
    for key in texts.list_keys():
        text = texts.get_template(key) if not key.startswith("buttons.") else ""
        if not any(word in text for word in ("刷新", "refresh")):
            continue
        section, _, code = key.partition(".")
        if section == "console" or code in OF_PAGES:
            continue  # a page can be refreshed
        assert section == "refusal", key
        assert texts.has(f"chat_refusal.{code}"), f"{key} needs a sentence for chats"
