"""What people may do, and what follows, by the settings of the office: another value changes it."""

from datetime import timedelta

import pytest

from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Grade, State
from tests.domain.move_world import INFORMED, RETURN, Flow, closed, refused, signed, unsatisfied


def ask_extension(flow: Flow, **span: float) -> Flow:
    """Ask for a due time that much later than the present one."""
    due = (flow.lead.close_due_at + timedelta(**span)).isoformat()
    return flow.act("handler", "extend", new_due_at=due, reason="待料", requester_informed=INFORMED)


@pytest.mark.proves("extension.max")
def test_an_office_may_grant_no_extension_at_all() -> None:
    with refused("too_many_extensions"):
        ask_extension(signed(extension__max="0"), days=1)


@pytest.mark.proves("extension.max_length")
def test_an_extension_is_no_longer_than_the_office_allows() -> None:
    assert ask_extension(signed(), days=2).state is State.EXTENSION_REVIEW
    with refused("extension_too_long"):
        ask_extension(signed(extension__max_length="1wd"), days=2)


@pytest.mark.proves("extension.request_before_due")
def test_an_office_may_take_a_request_for_extension_after_the_due_time() -> None:
    flow = signed(extension__request_before_due="false")
    flow.at = flow.lead.close_due_at + timedelta(hours=1)
    assert ask_extension(flow, days=2).state is State.EXTENSION_REVIEW


@pytest.mark.proves("return.requires_statement")
def test_an_office_may_take_a_return_without_a_statement() -> None:
    flow = signed(return__requires_statement="false").act("handler", "return", **RETURN | {"files": []})
    assert flow.state is State.RETURN_REVIEW


@pytest.mark.proves("return.requires_signature")
def test_an_office_may_take_a_return_without_seal_or_signature() -> None:
    flow = signed(return__requires_signature="false").act("handler", "return", **RETURN | {"signed_by": None})
    assert flow.state is State.RETURN_REVIEW


@pytest.mark.proves("appeal_window")
def test_a_unit_objects_to_its_red_card_within_the_window() -> None:
    flow = signed(appeal_window="1wd")
    flow.at = flow.lead.close_due_at
    flow.act("clock", "red_card").wait(days=2)
    with refused("window_closed"):
        flow.act("handler", "object", reason="已在期限内答复")


@pytest.mark.proves("unreasonable_window")
def test_a_demand_is_claimed_to_be_unreasonable_within_the_window() -> None:
    flow = unsatisfied(unreasonable_window="1wd").wait(days=2)
    with refused("window_closed"):
        flow.act("handler", "claim_unreasonable", reason="超出职权", files=["f1"])


@pytest.mark.proves("appeal_window")
def test_a_unit_appeals_against_a_refused_claim_within_the_window() -> None:
    flow = unsatisfied(appeal_window="1wd").act("handler", "claim_unreasonable", reason="超出职权", files=["f1"])
    flow.act("reviewer", "decide_unreasonable", accept=False, reason="属合理诉求").wait(days=2)
    with refused("window_closed"):
        flow.act("handler", "appeal", reason="有会议纪要")


@pytest.mark.proves("unreasonable_window")
def test_a_ticket_is_archived_once_no_claim_can_be_made_any_more() -> None:
    flow = unsatisfied(unreasonable_window="1wd")
    flow.act("reviewer", "review", conclusion="办理不力", responsibility="住建局", improvement="加强巡查").wait(days=2)
    assert flow.act("clock", "archive").state is State.ARCHIVED


def find_due(flow: Flow, kind: str) -> timedelta:
    """How long from now the open duty of a kind may take."""
    (duty,) = (duty for duty in flow.snap.duties if duty.kind == kind and duty.met_at is None)
    return duty.due_at - flow.at


@pytest.mark.proves("visit.finish_within")
def test_a_closed_ticket_is_visited_within_the_limit_of_the_office() -> None:
    assert find_due(closed(visit__finish_within="9h"), "revisit") == timedelta(hours=9)


@pytest.mark.proves("visit.manual.limit")
def test_a_person_visits_after_a_rework_within_the_limit_of_the_office() -> None:
    flow = unsatisfied(visit__manual__limit="9h").act("reviewer", "rework", summary="还是不亮")
    assert find_due(flow.act("handler", "reply", text="已再修"), "revisit") == timedelta(hours=9)


@pytest.mark.proves("supervise.limit")
def test_a_unit_answers_a_supervision_within_the_limit_of_the_office() -> None:
    flow = signed(supervise__limit="9h").act("supervisor", "supervise", reason="请加快")
    assert find_due(flow, "supervise") == timedelta(hours=9)


@pytest.mark.proves("review.general.limit")
def test_a_return_is_decided_within_the_limit_of_the_office() -> None:
    flow = signed(review__general__limit="9h").act("handler", "return", **RETURN)
    assert find_due(flow, "review") == timedelta(hours=9)


@pytest.mark.proves("review.urgent.limit")
def test_a_return_that_becomes_urgent_is_decided_within_the_limit_of_urgent_ones() -> None:
    flow = signed(review__urgent__limit="9m").act("handler", "return", **RETURN)
    assert find_due(flow.act("dispatcher", "regrade", grade="urgent", reason="扬言"), "review") == timedelta(minutes=9)


@pytest.mark.proves("reply.limit")
def test_an_office_may_want_the_reply_before_the_closing() -> None:
    assert find_due(Flow(reply__limit="9h").act("dispatcher", "dispatch", unit="U01"), "reply") == timedelta(hours=9)


@pytest.mark.proves("visit.categories")
def test_a_visit_begun_before_the_office_gave_it_up_may_be_ended_by_hand() -> None:
    flow = closed().act("clock", "start_visit")
    flow.snapshot = Flow(visit__categories="consult").snapshot
    assert flow.act("reviewer", "finalize").state is State.FINALIZED


@pytest.mark.proves("visit.categories")
def test_a_category_that_is_not_visited_ends_without_a_visit() -> None:
    flow = closed(visit__categories="consult").act("clock", "start_visit")
    assert (flow.state, flow.ticket.deemed_satisfied) == (State.FINALIZED, False)


def visit_in_vain(flow: Flow, *hours: float) -> Flow:
    """Let a person try to reach the requester after each of these waits."""
    flow.act("clock", "start_visit").act("clock", "visit", kind="auto", answer="unsatisfied")
    for wait in hours:
        flow.wait(hours=wait).act("agent", "visit", kind="manual", answer="unreached")
    return flow


@pytest.mark.proves("visit.manual.attempts")
def test_after_as_many_attempts_as_the_office_says_a_requester_is_out_of_reach() -> None:
    flow = visit_in_vain(closed(visit__manual__attempts="2"), 0, 30)
    assert (flow.state, flow.ticket.deemed_satisfied) == (State.FINALIZED, True)


@pytest.mark.proves("visit.manual.min_days")
def test_the_attempts_may_all_be_of_one_day_where_the_office_says_so() -> None:
    flow = visit_in_vain(closed(visit__manual__min_days="1"), 0, 1, 5)
    assert (flow.state, flow.ticket.deemed_satisfied) == (State.FINALIZED, True)


@pytest.mark.proves("notify.phone.on_dispatch")
def test_an_office_may_have_every_ticket_announced_by_telephone() -> None:
    always, never = (
        Flow(grade=grade, notify__phone__on_dispatch=policy).act("dispatcher", "dispatch", unit="U01").messages
        for grade, policy in ((Grade.GENERAL, "always"), (Grade.URGENT, "never"))
    )
    calls = [message for message in always if message.kind == "call_to_sign"]
    assert [(call.person, call.facts.get("unless_opened")) for call in calls] == [("H1", None)]
    assert "call_to_sign" not in {message.kind for message in never}


@pytest.mark.proves("notify.phone.on_dispatch")
def test_an_office_may_announce_no_upgrade_by_telephone() -> None:
    flow = signed(notify__phone__on_dispatch="never").act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert [kind for kind, _ in flow.take_messages()] == ["regraded_urgent", "regraded_urgent"]


@pytest.mark.proves("notify.phone.unopened_after")
def test_a_card_that_nobody_opens_is_followed_by_a_call_after_as_long_as_the_office_says() -> None:
    flow = Flow(notify__phone__unopened_after="1wh").act("dispatcher", "dispatch", unit="U01")
    (call,) = (message for message in flow.messages if message.kind == "call_to_sign")
    assert (call.not_before - flow.at, call.facts["unless_opened"]) == (timedelta(hours=1), True)


@pytest.mark.proves("profile")
def test_under_the_beijing_rules_a_ticket_is_closed_with_the_requesters_feedback() -> None:
    flow = signed(profile="beijing_mutual_aid").act("handler", "reply", text="已修复")
    with refused("feedback_missing"):
        flow.act("handler", "close", no_objection=True)


@pytest.mark.proves
@pytest.mark.parametrize(
    ("key", "code"),
    [("close.requires_feedback", "feedback_missing"), ("close.requires_no_objection", "objection_missing")],
)
def test_an_office_may_ask_for_what_the_requester_says_of_it_at_closing_A13_A33(key: str, code: str) -> None:
    flow = signed(**{key: "true"}).act("handler", "reply", text="已修复")
    with refused(code):
        flow.act("handler", "close")
    flow.act("handler", "close", feedback="已恢复", no_objection=True)


@pytest.mark.proves("card.red_at")
def test_an_office_may_give_its_red_cards_later() -> None:
    flow = signed(card__red_at="1wd")
    flow.at = flow.lead.close_due_at
    with pytest.raises(Refused):
        flow.act("clock", "red_card")
