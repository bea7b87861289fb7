"""The rows of the move table after the closing: visits, rework, unreasonable claims, archiving, cancelling."""

from datetime import timedelta

import pytest

from backend.domain.records import Message
from backend.domain.ticket_enums import Category, State
from tests.domain.move_world import Flow, closed, refused, signed, unsatisfied


@pytest.mark.parametrize(
    ("category", "setup", "state"),
    [
        (Category.HELP, {}, State.REVISIT_AUTO),
        (Category.PRAISE, {}, State.FINALIZED),
        (Category.COMPLAINT, {"confidential": True}, State.REVISIT_MANUAL),
    ],
)
def test_T23_category_and_confidentiality_decide_how_the_requester_is_visited(
    category: Category, setup: dict[str, bool], state: State
) -> None:
    flow = Flow(category=category)
    if setup:
        flow.act("dispatcher", "flag", reason="诉求人要求保密", **setup)
    flow.act("dispatcher", "dispatch", unit="U01").act("handler", "sign")
    flow.act("handler", "close", text="已办", feedback="好", no_objection=True).act("clock", "start_visit")
    assert flow.state is state


def test_T24_a_satisfied_answer_is_final_and_silence_is_deemed_satisfied_but_never_recorded_so_B43() -> None:
    flow = closed().act("clock", "start_visit").act("clock", "visit", kind="auto", answer="satisfied")
    assert flow.state is State.FINALIZED and not flow.ticket.deemed_satisfied
    flow = closed().act("clock", "start_visit").act("clock", "visit", kind="auto", answer="no_reply")
    assert flow.state is State.FINALIZED and flow.ticket.deemed_satisfied
    assert flow.ticket.final_answer == "no_reply"


def test_T25_T26_an_unsatisfied_answer_is_checked_by_a_person_whose_result_is_final_B42() -> None:
    flow = closed().act("clock", "start_visit").act("clock", "visit", kind="auto", answer="unsatisfied")
    assert flow.state is State.REVISIT_MANUAL
    flow.act("agent", "visit", kind="manual", answer="satisfied", contacted="yes", resolved="resolved")
    assert flow.state is State.FINALIZED and flow.ticket.final_answer == "satisfied"


def test_Q36_unreached_is_deemed_only_after_three_attempts_in_two_bands_over_two_days() -> None:
    flow = closed().act("clock", "start_visit").act("clock", "visit", kind="auto", answer="unsatisfied")
    for hours, state in ((0, State.REVISIT_MANUAL), (6, State.REVISIT_MANUAL), (24, State.FINALIZED)):
        flow.wait(hours=hours).act("agent", "visit", kind="manual", answer="unreached")
        assert flow.state is state
    assert flow.ticket.deemed_satisfied


def test_T27_rework_is_not_a_second_closing_and_a_person_visits_again_Q22() -> None:
    flow = unsatisfied()
    closed_at = flow.lead.closed_at
    flow.act("reviewer", "rework", summary="路灯还是不亮").act("handler", "reply", text="已再修")
    assert flow.state is State.REVISIT_MANUAL and flow.lead.closed_at == closed_at
    assert flow.outcomes("rework") == ["timely"]


def test_T28_T29_a_claim_and_its_one_appeal_are_decided_by_different_uninvolved_people_Q38() -> None:
    flow = unsatisfied().act("handler", "claim_unreasonable", reason="诉求超出法定职权", files=["f1"])
    with refused("same_person"):
        flow.act("dispatcher_reviewing", "decide_unreasonable", accept=False, reason="x")
    flow.act("reviewer", "decide_unreasonable", accept=False, reason="属合理诉求")
    flow.act("handler", "appeal", reason="有会议纪要")
    with refused("same_person"):
        flow.act("reviewer", "decide_unreasonable", accept=True, reason="x", **{"class": "beyond_reason"})
    flow.act("second_reviewer", "decide_unreasonable", accept=True, reason="确属", **{"class": "beyond_reason"})
    assert flow.ticket.unreasonable and flow.ticket.final_answer == "unsatisfied"


def test_T30_an_unsatisfied_ticket_is_archived_only_after_its_case_review_A17() -> None:
    flow = unsatisfied()
    with refused("review_missing"):
        flow.act("clock", "archive")
    flow.act("reviewer", "review", conclusion="办理不力", responsibility="住建局", improvement="加强巡查")
    with refused("not_now"):  # the unit may still claim that the demand was unreasonable (Q38)
        flow.wait(days=3).act("clock", "archive")
    flow.wait(days=1)
    assert flow.act("clock", "archive").state is State.ARCHIVED


def test_T31_a_cancelled_ticket_has_no_open_duties() -> None:
    flow = signed().act("dispatcher", "cancel", reason="诉求人撤回")
    assert flow.state is State.CANCELLED and flow.open_duties == set()


@pytest.mark.proves("visit.manual.limit")
@pytest.mark.parametrize("limit", ["3h", "9h"])
def test_a_person_visits_within_the_limit_of_the_office(limit: str) -> None:
    flow = closed(**{"visit.manual.limit": limit}).act("clock", "start_visit")
    flow.act("clock", "visit", kind="auto", answer="unsatisfied")
    manual = [d for d in flow.snap.duties if d.kind == "revisit" and d.met_at is None]
    assert [d.due_at - flow.at for d in manual] == [timedelta(hours=int(limit[0]))]


def visited(because: str = "") -> Flow:
    """Return a ticket whose automatic visit was handed to a person."""
    flow = closed().act("clock", "start_visit")
    flow.take_messages()
    return flow.act("clock", "visit", kind="auto", answer="unclear", want_person=True, because=because)


def test_words_of_danger_are_sent_to_agents_supervisors_and_dispatchers_as_urgent_and_ring_who_is_on_duty_XM19() -> (
    None
):
    flow = visited("danger")
    assert flow.take_messages() == [
        ("visit_task", "V1"),
        ("visit_task", "S1"),
        ("visit_task", "D1"),
        ("call_danger", "D1"),
    ]
    assert all(row.urgent for row in flow.plans[-1].rows if isinstance(row, Message))
    (duty,) = [d for d in flow.snap.duties if d.kind == "revisit" and d.met_at is None]
    assert duty.grade == "urgent" and (duty.due_at - duty.start_at).total_seconds() == 2 * 3600


def test_an_ordinary_visit_task_is_sent_to_the_agents_alone() -> None:
    flow = visited("want_person")
    assert flow.take_messages() == [("visit_task", "V1")] and flow.state is State.REVISIT_MANUAL


@pytest.mark.parametrize("answer", ["unsatisfied", "unclear"])
def test_a_manual_visit_that_ends_unsatisfied_or_unclear_needs_a_note(answer: str) -> None:
    with refused("note_missing"):
        visited().act("agent", "visit", kind="manual", answer=answer)


def test_the_journal_keeps_a_deemed_result_beside_the_answer_Q36() -> None:
    flow = visited()
    for hours in (1, 6, 24):
        flow.wait(hours=hours).act("agent", "visit", kind="manual", answer="unreached")
    arguments = flow.plans[-1].entry.arguments
    assert (arguments["answer"], arguments["deemed"]) == ("unreached", True) and flow.ticket.deemed_satisfied


@pytest.mark.parametrize("answer", ["unclear", "satisfied"])
def test_nothing_vague_said_to_a_person_overturns_a_clear_no_XD6_XD7(answer: str) -> None:
    flow = closed().act("clock", "start_visit").act("clock", "visit", kind="auto", answer="unsatisfied")
    flow.take_messages()
    flow.act("agent", "visit", kind="manual", answer=answer, note="说不清楚")
    stays = answer == "unclear"
    assert flow.state is State.FINALIZED and not flow.ticket.deemed_satisfied
    assert flow.ticket.final_answer == ("unsatisfied" if stays else answer)
    assert ("visit_unsatisfied", "L1") in flow.take_messages() or not stays
    if stays:  # the unit may say that the demand was unreasonable, as after any final 不满意 (T28)
        flow.act("handler", "claim_unreasonable", reason="诉求超出法定职权", files=["f1"])


def test_nothing_vague_after_the_rework_overturns_what_was_said_to_a_person_XD7() -> None:
    flow = unsatisfied().act("reviewer", "rework", summary="再办").act("handler", "reply", text="已再修")
    flow.act("agent", "visit", kind="manual", answer="unclear", note="没说好坏")
    assert flow.ticket.final_answer == "unsatisfied" and not flow.ticket.deemed_satisfied
    assert "deemed" not in flow.plans[-1].entry.arguments


@pytest.mark.parametrize(("kept", "answer"), [("satisfied", "unreached"), ("keep_first", "unsatisfied")])
def test_silence_to_a_person_ends_a_no_unless_the_office_keeps_it_Q36(kept: str, answer: str) -> None:
    flow = closed(scoring__second_visit_unreached=kept).act("clock", "start_visit")
    flow.act("clock", "visit", kind="auto", answer="unsatisfied")
    for hours in (1, 6, 24):
        flow.wait(hours=hours).act("agent", "visit", kind="manual", answer="unreached")
    assert flow.ticket.final_answer == answer and flow.ticket.deemed_satisfied is (kept == "satisfied")
