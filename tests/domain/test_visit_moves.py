"""What a visit's result does on paper: who is told how urgently, and who may not be the one to ask (T25, T26, 7.3)."""

import pytest

from backend.domain.ticket import State
from tests.domain.flow_world import Paper
from tests.domain.test_flow import closed, refused


def visited(because: str = "") -> Paper:
    """A ticket handed to a person by the machine."""
    paper = closed().act("clock", "start_visit")
    paper.told()
    return paper.act("clock", "visit", kind="auto", answer="unclear", want_person=True, because=because)


def test_words_of_danger_reach_agents_supervisors_and_dispatchers_at_once() -> None:
    paper = visited("danger")
    assert paper.told() == [("M25v", "V1"), ("M25v", "S1"), ("M25v", "D1")]
    assert all(message.urgent for message in paper.plans[-1].rows if hasattr(message, "channel"))
    (duty,) = [d for d in paper.snap.duties if d.kind == "revisit" and d.met_at is None]
    assert duty.grade == "urgent" and (duty.due_at - duty.start_at).total_seconds() == 2 * 3600


def test_an_ordinary_task_reaches_the_agents_alone() -> None:
    paper = visited("want_person")
    assert paper.told() == [("M25v", "V1")] and paper.state is State.REVISIT_MANUAL


@pytest.mark.parametrize("answer", ["unsatisfied", "unclear"])
def test_what_stays_in_doubt_is_quoted(answer: str) -> None:
    with refused("note_missing"):
        visited().act("agent", "visit", kind="manual", answer=answer)


def test_a_deemed_result_is_marked_in_the_journal_beside_the_answer_Q36() -> None:
    paper = visited()
    for hours in (1, 6, 24):
        paper.later(hours=hours).act("agent", "visit", kind="manual", answer="unreached")
    words = paper.plans[-1].entry.words
    assert (words["answer"], words["deemed"]) == ("unreached", True) and paper.snap.ticket.deemed
