"""Drafts and open questions of a chat: kept per person, found again, and over when their time is."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.ports.chat import OpenQuestion
from storage.delivery.chat_state import SqlChatStateStore
from storage.engine.database import Database

NOW = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)


@pytest.fixture
def drafts(database: Database) -> SqlChatStateStore:
    return SqlChatStateStore(database)


async def test_a_draft_is_each_persons_own_and_the_latest_counts(drafts: SqlChatStateStore) -> None:
    await drafts.save_draft("H1", 5, "return", {"reason": "不属于"}, NOW)
    await drafts.save_draft("H1", 5, "return", {"reason": "确实不属于", "files": ["f1"]}, NOW)
    await drafts.save_draft("H2", 5, "return", {"reason": "别的"}, NOW)
    assert await drafts.load_draft("H1", 5, "return") == {"reason": "确实不属于", "files": ["f1"]}
    await drafts.delete_draft("H1", 5, "return")
    assert await drafts.load_draft("H1", 5, "return") == {}
    assert await drafts.load_draft("H2", 5, "return") == {"reason": "别的"}


async def test_an_open_question_is_replaced_answered_or_over(drafts: SqlChatStateStore) -> None:
    until = NOW + timedelta(hours=1)
    await drafts.save_question("telegram", "1", OpenQuestion("reply", {"subject": 5}), NOW, until)
    await drafts.save_question("telegram", "1", OpenQuestion("close", {"subject": 6}), NOW, until)
    found = await drafts.find_question("telegram", "1", NOW)
    assert found == OpenQuestion("close", {"subject": 6})
    assert await drafts.find_question("feishu", "1", NOW) is None
    assert await drafts.find_question("telegram", "1", until) is None
    await drafts.delete_question("telegram", "1")
    assert await drafts.find_question("telegram", "1", NOW) is None


async def test_the_message_that_became_a_reply_is_found_again_FT29(drafts: SqlChatStateStore) -> None:
    await drafts.save_draft("H1", 5, "said", {"message": "77"}, NOW)
    assert await drafts.find_reply_assignment("H1", "77") == 5
    assert await drafts.find_reply_assignment("H1", "78") is None
    assert await drafts.find_reply_assignment("H2", "77") is None


async def test_a_unit_without_tickets_has_nothing_to_do(drafts: SqlChatStateStore) -> None:
    assert await drafts.list_todo("U01", 5) == (0, [])
    assert await drafts.count_closed("U01", NOW) == 0
    assert not await drafts.mark_opened(5, NOW)
    assert await drafts.get_request(5) is None
