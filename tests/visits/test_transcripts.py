"""docs/visits.zh.md shows what is really said; nothing private before the person is confirmed; within a minute."""

from pathlib import Path

import pytest

from tests.visits.transcripts import CONVERSATIONS, FACTS, build_document, build_transcript

CHARACTERS_PER_SECOND = 4.5  # of a spoken sentence


def test_the_transcripts_of_the_document_are_those_of_the_engine() -> None:
    written = (Path(__file__).parents[2] / "docs" / "visits.zh.md").read_text(encoding="utf-8")
    assert written.partition("<!-- transcripts -->\n")[2] == build_document()


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_nothing_private_is_said_before_the_person_is_confirmed(name: str) -> None:
    opening = build_transcript(name)[0]
    assert "通话将录音" in opening
    assert all(str(FACTS[fact]) not in opening for fact in ("date_spoken", "category"))


def test_a_visit_by_keys_takes_less_than_a_minute() -> None:
    said = sum(len(line) for line in build_transcript("满意（按键）") if line.startswith("系统："))
    assert said / CHARACTERS_PER_SECOND < 60


def test_every_way_a_conversation_can_end_has_a_transcript() -> None:
    ends = {build_transcript(name)[-1].rpartition("通话=")[2] for name in CONVERSATIONS}
    assert ends >= {"completed", "partial", "refused", "wrong_person", "no_reply"}
