"""What a person is offered on a ticket is what the move table lets them do about it now."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from backend.domain.acts import Act, DecisionContext
from backend.domain.move_table import OPEN, STAGES, count_stages
from backend.domain.offered_verbs import check_offered, is_late_for_return, list_offered, select_assignment
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Message, Person
from backend.domain.ticket_enums import Role, Source
from tests.chats import bind_to
from tests.domain.move_world import RETURN, ROLES, Flow, closed, refused, signed, under_review, unsatisfied


def offered(flow: Flow, role: str, *pending: str) -> set[str]:
    """What they are offered, without what may be done to any open ticket."""
    always = {
        "flag",
        "supervise",
        "report_progress",
        "regrade",
        "cancel",
        "assist",
        "object",
        "decide_objection",
        "attach",
    }
    return {*list_offered(flow.ticket, flow.snap.assignments, ROLES[role], pending)} - always


@pytest.mark.parametrize(
    ("build", "role", "verbs"),
    [
        (Flow, "dispatcher", {"dispatch", "answer", "merge"}),
        (Flow, "handler", set()),
        (signed, "handler", {"return", "contact", "extend", "reply", "close", "hand_on"}),
        (under_review, "handler", {"contact", "reply", "close"}),  # XM20
        (signed, "handler_u02", set()),
        (signed, "leader", set()),
        (signed, "auditor", set()),
        (signed, "reviewer", set()),
        (closed, "handler", {"amend"}),
        (closed, "agent", {"visit"}),
        (unsatisfied, "reviewer", {"rework", "review"}),
        (unsatisfied, "handler", {"claim_unreasonable", "appeal"}),
    ],
)
def test_people_are_offered_what_they_may_do_now(build: Callable[[], Flow], role: str, verbs: set[str]) -> None:
    assert offered(build(), role) == verbs


def test_a_decision_is_offered_only_while_something_waits_for_it() -> None:
    flow = signed()
    assert "decide_flag" not in offered(flow, "reviewer") and "decide_flag" in offered(flow, "reviewer", "hard_case")
    assert "accept_progress" not in offered(flow, "supervisor")
    assert "accept_progress" in offered(flow.act("supervisor", "supervise", reason="超期"), "supervisor")


def test_an_assignment_that_has_ended_offers_nothing_but_is_still_the_one_meant() -> None:
    flow = signed().act("dispatcher", "reassign", unit="U02")
    mine = select_assignment(flow.ticket, flow.snap.assignments, ROLES["handler"])
    assert mine is not None and mine.unit == "U01" and mine.ended_at is not None
    assert offered(flow, "handler") == set() and offered(flow, "handler_u02") == {"sign"}


def test_before_a_question_is_asked_it_is_said_why_it_makes_no_sense() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01")
    check_offered(flow.snap, flow.lead, ROLES["handler"], "sign")
    with refused("forbidden"):
        check_offered(flow.snap, flow.lead, ROLES["leader"], "sign")
    with refused("not_now"):  # not signed yet: nobody was quicker
        check_offered(flow.snap, flow.lead, ROLES["handler"], "reply")
    flow.act("handler", "sign")
    with refused("overtaken"):
        check_offered(flow.snap, flow.lead, ROLES["deputy"], "sign")
    with refused("not_now"):
        check_offered(flow.snap, flow.lead, ROLES["handler"], "sign")


def test_a_return_is_late_when_its_window_has_closed_B35() -> None:
    flow = signed()
    window = next(duty for duty in flow.snap.duties if duty.kind == "return")
    assert not is_late_for_return(flow.snap, flow.lead, window.due_at)
    assert is_late_for_return(flow.snap, flow.lead, window.due_at + timedelta(seconds=1))


def test_what_is_due_next_is_the_signature_and_then_the_closing() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01")
    assert flow.lead.next_due_at == flow.lead.sign_due_at
    flow.act("handler", "sign")
    assert flow.lead.next_due_at == flow.lead.close_due_at


def test_every_open_state_is_counted_in_one_stage() -> None:
    counted = [state for states in STAGES.values() for state in states]
    assert len(counted) == len({*counted}) and {*counted} == OPEN - {"unreasonable_review"}
    assert count_stages({"signed": 2, "rework": 1, "registered": 4, "overdue": 9}) == {
        "pending": 4, "unsigned": 0, "working": 3, "visiting": 0,
    }  # fmt: skip


def test_a_return_after_the_automatic_signing_is_late_at_once_and_said_to_be_B35() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01")
    flow.at = flow.lead.sign_due_at
    flow.act("clock", "auto_sign")
    assert is_late_for_return(flow.snap, flow.lead, flow.at)
    assert flow.act("handler", "return", **RETURN).snap.requests[-1].timely is False


def test_what_one_person_is_told_is_not_what_the_next_one_is_told() -> None:
    flow = signed()
    context = DecisionContext(flow.snapshot, flow.at, iter(range(9)).__next__)
    builder = PlanBuilder(flow.snap, Act("sign", ROLES["handler"], Source.API), context, {}, flow.lead)
    called, written = (
        Person("H8", "H8", "U01", Role.HANDLER),
        Person("H1", "H1", "U01", Role.HANDLER, chats=bind_to("chat-H1")),
    )
    builder.notify("supervised", [called, written], no_stand_in=True, reason="超期")
    by_phone, by_chat = (row for row in builder.rows if isinstance(row, Message))
    assert (by_phone.kind, by_phone.facts) == ("call_supervised", {"reason": "超期", "instead_of": "supervised"})
    assert (by_chat.kind, by_chat.facts) == ("supervised", {"reason": "超期"})
