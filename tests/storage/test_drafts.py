"""Drafts and questions of a chat: kept per person, found again, and over when their time is."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.ports.drafts import Expectation
from storage.db import Database
from storage.drafts import DraftShelf

NOW = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)


@pytest.fixture
def drafts(database: Database) -> DraftShelf:
    return DraftShelf(database)


async def test_a_draft_is_the_persons_own_and_the_last_word_counts(drafts: DraftShelf) -> None:
    await drafts.keep("H1", 5, "return", {"reason": "不属于"}, NOW)
    await drafts.keep("H1", 5, "return", {"reason": "确实不属于", "files": ["f1"]}, NOW)
    await drafts.keep("H2", 5, "return", {"reason": "别的"}, NOW)
    assert await drafts.draft("H1", 5, "return") == {"reason": "确实不属于", "files": ["f1"]}
    assert len(await drafts.drafts_on(5, "return")) == 2
    await drafts.drop("H1", 5, "return")
    assert await drafts.draft("H1", 5, "return") == {}
    assert await drafts.draft("H2", 5, "return") == {"reason": "别的"}


async def test_a_question_is_replaced_answered_or_over(drafts: DraftShelf) -> None:
    until = NOW + timedelta(hours=1)
    await drafts.expect("telegram", "1", Expectation("reply", {"subject": 5}), NOW, until)
    await drafts.expect("telegram", "1", Expectation("close", {"subject": 6}), NOW, until)
    found = await drafts.expected("telegram", "1", NOW)
    assert found == Expectation("close", {"subject": 6})
    assert await drafts.expected("feishu", "1", NOW) is None
    assert await drafts.expected("telegram", "1", until) is None
    await drafts.forget("telegram", "1")
    assert await drafts.expected("telegram", "1", NOW) is None


async def test_the_message_that_became_a_reply_is_found_again_FT29(drafts: DraftShelf) -> None:
    await drafts.keep("H1", 5, "said", {"message": "77"}, NOW)
    assert await drafts.said("H1", "77") == 5
    assert await drafts.said("H1", "78") is None
    assert await drafts.said("H2", "77") is None


async def test_an_empty_house_has_nothing_to_do(drafts: DraftShelf) -> None:
    assert await drafts.todo("U01", 5) == (0, [])
    assert await drafts.closed_since("U01", NOW) == 0
    assert not await drafts.mark_opened(5, NOW)
    assert await drafts.request(5) is None
