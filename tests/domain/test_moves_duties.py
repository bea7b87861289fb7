"""Duties beside the state: replies, cards, when messages are sent, requests about a ticket that moved on."""

from datetime import datetime, timedelta

import pytest

from backend.domain.ticket_enums import Grade, State
from tests.domain.move_world import INFORMED, RETURN, ZONE, Flow, closed, refused, signed, unsatisfied


def reply_due(flow: Flow) -> datetime | None:
    """Return when the open reply duty is due, if there is one."""
    return next((d.due_at for d in flow.snap.duties if d.kind == "reply" and d.met_at is None), None)


# -- the reply (A12)


def test_A12_a_reply_is_due_with_the_closing_and_the_first_one_counts() -> None:
    flow = signed()
    assert reply_due(flow) == flow.lead.close_due_at
    reply = next(d for d in flow.snap.duties if d.kind == "reply")
    assert reply.check_at is None and reply.start_at == flow.lead.dispatched_at
    flow.at = flow.lead.close_due_at
    assert flow.act("handler", "reply", text="已修复").outcomes("reply") == ["timely"]


def test_A12_a_reply_may_have_a_limit_of_its_own() -> None:
    flow = signed(reply__limit="1d")
    assert reply_due(flow) == flow.lead.dispatched_at + timedelta(days=1)
    flow.wait(days=1, seconds=1).act("handler", "reply", text="已修复")
    assert flow.outcomes("reply") == ["late"]


@pytest.mark.parametrize("limit", ["close", "1d"])
def test_A12_an_extension_moves_the_reply_only_where_it_is_due_with_the_closing(limit: str) -> None:
    flow = signed(reply__limit=limit)
    before, new = reply_due(flow), flow.lead.close_due_at + timedelta(days=1)
    flow.act("handler", "extend", new_due_at=new.isoformat(), reason="待配件", requester_informed=INFORMED)
    flow.act("reviewer", "decide_extension", accept=True)
    assert reply_due(flow) == (new if limit == "close" else before)


def test_A12_an_upgrade_makes_the_reply_due_with_the_closing() -> None:
    flow = signed().act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert reply_due(flow) == flow.lead.close_due_at == flow.at + timedelta(hours=24)


@pytest.mark.parametrize("way", ["return", "reassign", "cancel"])
def test_A12_a_unit_that_need_not_close_need_not_reply(way: str) -> None:
    flow = signed()
    if way == "return":
        flow.act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
    elif way == "reassign":
        flow.act("dispatcher", "reassign", unit="U02")
    else:
        flow.act("dispatcher", "cancel", reason="撤回")
    assert flow.outcomes("reply")[0] == "void"


def test_T22_a_reply_sent_back_as_empty_is_due_again_A12() -> None:
    flow = closed().act("reviewer", "send_back", reason="答复为空")
    assert reply_due(flow) == flow.lead.close_due_at


# -- cards


def test_T16_neither_card_nor_auto_sign_comes_before_the_due_time_even_if_the_clock_acts_early() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01")
    flow.at = flow.lead.sign_due_at - timedelta(seconds=1)
    with refused("not_now"):
        flow.act("clock", "auto_sign")
    flow.act("handler", "sign")
    flow.at = flow.lead.close_due_at - timedelta(seconds=1)
    with refused("not_now"):
        flow.act("clock", "red_card")


def test_Q33_the_time_of_the_red_card_is_a_setting() -> None:
    flow = signed(card__red_at="3h")
    due = flow.lead.close_due_at
    flow.at = due + timedelta(hours=2)
    with refused("not_now"):
        flow.act("clock", "red_card")
    flow.at = due + timedelta(hours=3)
    assert flow.act("clock", "red_card").lead.red_card_at == due + timedelta(hours=3)
    assert flow.act("handler", "close", text="已办", feedback="好").outcomes("close") == ["late"]


def test_T21_a_red_card_waits_for_the_decision_on_an_explained_close_asked_for_in_time_Q30() -> None:
    for accept, card in ((True, None), (False, "due")):
        flow = signed()
        due = flow.lead.close_due_at
        flow.at = due
        flow.act("handler", "close", close_type="explained_unresolvable", text="已解释", explanation="政策所限")
        flow.wait(hours=1)
        with refused("withheld"):
            flow.act("clock", "red_card")
        flow.act("supervisor", "decide_close", accept=accept, reason="理由")
        if card:
            flow.act("clock", "red_card")
        assert flow.lead.red_card_at == (due if card else None)
        assert flow.outcomes("close") == (["late"] if card else ["timely"])


def test_T14_an_extended_limit_has_its_own_yellow_card_Q33() -> None:
    flow = signed().act("clock", "yellow_card")
    new = flow.lead.close_due_at + timedelta(days=2)
    flow.act("handler", "extend", new_due_at=new.isoformat(), reason="待配件", requester_informed=INFORMED)
    flow.act("reviewer", "decide_extension", accept=True)
    assert "yellow" not in flow.ticket.flags
    assert "yellow" in flow.act("clock", "yellow_card").ticket.flags


def test_Q32_an_approved_mass_incident_takes_the_card_back_and_the_proposal_survives_a_reassignment() -> None:
    flow = signed().act("handler", "flag", mass_incident=True, reason="涉及百余户")
    flow.at = flow.lead.close_due_at
    assert flow.act("clock", "red_card").lead.red_card_at
    flow.act("reviewer", "decide_flag", accept=True)
    assert flow.lead.red_card_at is None and flow.ticket.flags == {"mass_incident"}
    flow = signed().act("handler", "flag", mass_incident=True, reason="涉及百余户")
    flow.act("dispatcher", "reassign", unit="U02").act("reviewer", "decide_flag", accept=True)
    assert "mass_incident" in flow.ticket.flags


def test_T9_the_next_unit_does_not_inherit_the_card_of_the_unit_that_returned_the_ticket() -> None:
    flow = signed().act("handler", "return", **RETURN)
    flow.at = flow.lead.close_due_at
    flow.act("clock", "red_card").act("reviewer", "decide_return", accept=True)
    assert flow.ticket.flags == frozenset() and flow.outcomes("close") == ["void"]


def test_T11_what_was_late_stays_late_up_to_the_second_Q26() -> None:
    for late, outcome in ((0.5, "void"), (1, "late")):
        flow = Flow().act("dispatcher", "dispatch", unit="U01")
        flow.at = flow.lead.sign_due_at + timedelta(seconds=late)
        assert flow.act("dispatcher", "reassign", unit="U02").outcomes("sign") == [outcome, None]


def test_T22_a_reply_sent_back_after_the_due_time_brings_the_red_card() -> None:
    flow = closed()
    flow.at = flow.lead.close_due_at + timedelta(minutes=1)
    flow.act("reviewer", "send_back", reason="答复为空").act("clock", "red_card")
    assert flow.lead.red_card_at == flow.lead.close_due_at


# -- when messages are sent


def test_T7_the_leader_learns_in_office_hours_that_an_urgent_ticket_was_signed_automatically() -> None:
    flow = Flow(grade=Grade.URGENT)
    flow.at = datetime(2026, 11, 10, 21, 0, tzinfo=ZONE)
    flow.act("dispatcher", "dispatch", unit="U01")
    flow.take_messages()
    flow.at = flow.lead.sign_due_at
    flow.act("clock", "auto_sign")
    messages = {x.person: x.not_before for x in flow.messages if x.kind == "auto_signed"}
    assert messages.pop("B1") == datetime(2026, 11, 11, 8, 30, tzinfo=ZONE)
    assert messages == dict.fromkeys(("H1", "H2", "L1"), flow.at)


@pytest.mark.parametrize(
    ("due", "delay", "sent_at"),
    [
        ("2026-11-17T17:00:00+08:00", 2, "2026-11-17T17:00:02+08:00"),  # the closing instant still counts
        ("2026-11-17T17:00:00+08:00", 7200, "2026-11-18T08:30:00+08:00"),  # after an outage it does not
        ("2026-11-17T23:00:00+08:00", 2, "2026-11-18T08:30:00+08:00"),
    ],
)
def test_T16_a_general_red_card_is_sent_in_office_hours(due: str, delay: int, sent_at: str) -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01", close_due_at=due).act("handler", "sign")
    flow.take_messages()
    flow.at = datetime.fromisoformat(due).astimezone(ZONE) + timedelta(seconds=delay)
    flow.act("clock", "red_card")
    assert flow.lead.red_card_at == datetime.fromisoformat(due)
    assert {x.not_before for x in flow.messages if x.person == "H1"} == {datetime.fromisoformat(sent_at)}


def test_Q28_an_upgrade_before_signing_is_announced_like_an_urgent_dispatch_A10() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01")
    flow.take_messages()
    flow.act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert flow.take_messages() == [("urgent_dispatched", "H1"), ("urgent_dispatched", "H2"), ("call_to_sign", "H1")]


def test_T27_rework_is_supervised_and_the_agent_is_notified_of_the_reply() -> None:
    flow = unsatisfied().act("reviewer", "rework", summary="路灯还是不亮")
    assert "supervised" in flow.ticket.flags and flow.open_duties >= {"rework", "supervise"}
    flow.take_messages()
    flow.act("handler", "reply", text="已再修")
    assert ("visit_task", "V1") in flow.take_messages() and flow.open_duties == {"revisit"}


@pytest.mark.parametrize(
    ("day", "hour", "grade", "sent_at"),
    [
        (14, 10, Grade.GENERAL, (16, 8, 30)),  # a Saturday morning
        (10, 12, Grade.GENERAL, (10, 13, 30)),  # the noon break
        (10, 10, Grade.GENERAL, None),
        (10, 22, Grade.GENERAL, (11, 8, 30)),
        (13, 23, Grade.GENERAL, (16, 8, 30)),  # Friday night
        (10, 23, Grade.URGENT, None),
    ],
)
def test_the_card_of_a_general_ticket_dispatched_outside_office_hours_waits_for_them(
    day: int, hour: int, grade: Grade, sent_at: tuple[int, int, int] | None
) -> None:
    flow = Flow(grade=grade)
    flow.at = flow.at.replace(day=day, hour=hour)
    flow.act("dispatcher", "dispatch", unit="U01")
    card = next(x for x in flow.messages if x.kind in ("ticket_dispatched", "urgent_dispatched"))
    expected = flow.at if sent_at is None else flow.at.replace(day=sent_at[0], hour=sent_at[1], minute=sent_at[2])
    assert card.not_before == expected


# -- requests and duties after the ticket moved on


def test_B35_a_return_after_auto_sign_is_late_even_inside_a_longer_return_limit() -> None:
    flow = Flow(return__general__limit="3wd").act("dispatcher", "dispatch", unit="U01")
    flow.at = flow.lead.sign_due_at
    flow.act("clock", "auto_sign").wait(minutes=1).act("handler", "return", **RETURN)
    assert flow.outcomes("return") == ["late"]


def test_requests_about_a_ticket_that_ended_are_withdrawn_T31() -> None:
    flow = signed().act("handler", "return", **RETURN).act("dispatcher", "cancel", reason="撤回")
    assert [r.decision for r in flow.snap.requests] == ["withdrawn"]
    flow = signed().act("handler", "close", close_type="explained_unresolvable", text="x", explanation="政策")
    flow.act("handler", "close", feedback="好", no_objection=True)
    assert [r.decision for r in flow.snap.requests] == ["withdrawn"] and flow.open_duties == {"revisit"}


def test_Q38_a_claim_is_decided_within_three_working_days() -> None:
    flow = unsatisfied().act("handler", "claim_unreasonable", reason="超出职权", files=["f1"])
    due = flow.snap.requests[-1].review_due_at
    assert due is not None and due == flow.snapshot.add_limit("3wd", flow.at, "M01")


def test_T18_a_supervision_not_answered_in_time_stays_late_when_the_supervisor_accepts_it() -> None:
    flow = signed().act("supervisor", "supervise", reason="媒体关注").wait(days=5)
    assert flow.act("supervisor", "accept_progress", accept=True).outcomes("supervise") == ["late"]


def test_what_an_assisting_unit_does_never_changes_the_duties_of_the_lead_Q21() -> None:
    flow = signed().act("dispatcher", "assist", unit="U02").act("handler_u02", "sign")
    flow.act("handler_u02", "close", text="已配合", feedback="好")
    flow.act("handler", "close", text="已办", feedback="好")
    assist = next(a.id for a in flow.snap.assignments if not a.lead)
    flow.act("reviewer", "send_back", assignment=assist, reason="答复为空")
    assert flow.state is State.CLOSED and flow.ticket.closed_at and flow.open_duties == {"revisit"}


def test_T26_a_rework_is_finalized_by_hand_only_after_its_own_visit() -> None:
    flow = unsatisfied().act("reviewer", "rework", summary="不亮").act("handler", "reply", text="已再修")
    with refused("visit_missing"):
        flow.act("reviewer", "finalize")
