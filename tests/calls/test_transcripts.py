"""What docs/visits.zh.md shows is what is really said, nothing private before the person is confirmed, all within a minute."""

from pathlib import Path

import pytest

from tests.calls.transcripts import FACTS, TALKS, document, transcript

A_SECOND = 4.5  # characters a voice speaks


def test_the_transcripts_of_the_document_are_those_of_the_engine() -> None:
    written = (Path(__file__).parents[2] / "docs" / "visits.zh.md").read_text(encoding="utf-8")
    assert written.partition("<!-- transcripts -->\n")[2] == document()


@pytest.mark.parametrize("name", TALKS)
def test_nothing_private_is_said_before_the_person_is_confirmed(name: str) -> None:
    opening = transcript(name)[0]
    assert "通话将录音" in opening
    assert all(str(FACTS[word]) not in opening for word in ("date_spoken", "category"))


def test_a_visit_by_keys_takes_less_than_a_minute() -> None:
    said = sum(len(line) for line in transcript("满意（按键）") if line.startswith("系统："))
    assert said / A_SECOND < 60


def test_every_way_a_talk_can_end_has_a_transcript() -> None:
    ends = {transcript(name)[-1].rpartition("通话=")[2] for name in TALKS}
    assert ends >= {"completed", "partial", "refused", "wrong_person", "no_reply"}
