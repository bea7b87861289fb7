"""Why a message did not arrive is said in words, wherever the code comes from."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from backend.domain.causes import describe_failure
from backend.domain.retry import _OUTCOMES
from backend.domain.texts import Texts, list_languages

SOURCES = ("backend.delivery.sender", "backend.delivery.sms", "backend.delivery.worker", "notify.chat.telegram.errors")
_CODE = re.compile(
    r'error="([a-z_]+)"|(?:fail|_retry_later)\([^)]*?"([a-z_]+)"|"(?:permanent|transient|ambiguous|dead_address)", "([a-z_]+)"'
)
EDITS = {"edit_gone", "edit_has_caption", "not_modified", "query_too_old"}  # of a card or a press, never of a message
OWN = {"not_callable", "budget", "worn_out", "lease_expired", "settled", "merged", "restored"}
_FOUND = {
    next(filter(None, found))
    for name in SOURCES
    for found in _CODE.findall(Path(str(import_module(name).__file__)).read_text("utf-8"))
}
CODES = sorted((_FOUND | {outcome for outcome, rule in _OUTCOMES.items() if not rule.done} | OWN) - EDITS)


@pytest.mark.parametrize("language", list_languages())
def test_every_reason_why_a_message_did_not_arrive_has_words(language: str) -> None:
    texts = Texts(language)
    assert "dead_number" in CODES and "chat_not_found" in CODES
    assert [code for code in CODES if not texts.has(f"word.message_error.{code}")] == []


def test_a_code_of_a_provider_stands_behind_its_kind() -> None:
    texts = Texts("zh_CN")
    assert describe_failure(texts, "permanent blocked") == "对方已停用机器人"
    assert describe_failure(texts, "permanent 21211") == "对方平台不接受（21211）"
    assert describe_failure(texts, "dead_number") == "号码是空号或无法拨通"
    assert describe_failure(texts, "21211") == "21211"
