"""Why a message did not arrive is said in words, wherever the code comes from."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from backend.domain.causes import describe_dial, describe_failure
from backend.domain.retry import _OUTCOMES
from backend.domain.texts import Texts, list_languages
from backend.web.timeline_shapes import CALL_OUTCOMES
from notify.carrier import CallStatus

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
    groups = ("message_error", "call_outcome")  # a call's outcome is said by the table of outcomes
    assert [code for code in CODES if sum(texts.has(f"word.{group}.{code}") for group in groups) != 1] == []


def test_a_code_of_a_provider_stands_behind_its_kind() -> None:
    texts = Texts("zh_CN")
    assert describe_failure(texts, "permanent blocked") == "对方已停用机器人"
    assert describe_failure(texts, "permanent 21211") == "对方平台不接受（21211）"
    assert describe_failure(texts, "dead_number") == "号码是空号或无法拨通"
    assert describe_failure(texts, "21211") == "21211"


@pytest.mark.parametrize("language", list_languages())
def test_how_a_call_ended_is_said_by_one_table_wherever_it_is_shown(language: str) -> None:
    texts = Texts(language)
    for outcome in {*CALL_OUTCOMES, *_OUTCOMES}:
        word = texts.get_word("call_outcome", outcome)
        assert {describe_failure(texts, outcome), describe_dial(texts, outcome, "completed")} == {word}
    outcomes = {describe_dial(texts, None, status) for status in CallStatus if status}  # until the outcome is known
    assert len(outcomes) == len(CallStatus) - 1 and describe_dial(texts, None, "no-answer") in outcomes
    assert describe_dial(texts, None, None) == ""


def test_a_declined_call_is_not_said_to_be_engaged() -> None:
    """Carriers report both as `busy`: Twilio says so, and our handset."""
    texts = Texts("zh_CN")
    assert describe_dial(texts, "busy", "busy") == describe_dial(texts, None, "busy") == "占线或拒接"
