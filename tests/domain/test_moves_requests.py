"""Merges, arbitration of returns, cards taken back, assisting units, regrading, flags, appeals."""

from datetime import datetime, timedelta

import pytest

from backend.domain.ticket_enums import Category, Grade, State
from tests.domain.move_world import RETURN, ZONE, Flow, refused, signed, unsatisfied

# -- merging (T4)


def pair(**kind: object) -> tuple[Flow, Flow]:
    """Return a repeat and the master it names."""
    repeat, master = Flow(number=2, **kind), Flow()  # type: ignore[arg-type]
    repeat.other = master
    return repeat, master


def test_T4_a_repeat_is_merged_into_its_master_and_both_journals_say_so_Q23() -> None:
    repeat, master = pair()
    master.act("dispatcher", "dispatch", unit="U01").take_messages()
    repeat.act("dispatcher", "merge", into="T1")
    assert repeat.state is State.MERGED and repeat.ticket.merged_into == 1 and repeat.open_duties == set()
    assert master.ticket.merged_count == 1 and "suspected_repeat" in master.ticket.flags
    entry = master.plans[-1].entry
    assert (entry.verb, entry.by, entry.arguments["repeat"]) == ("take_repeat", "D1", "T2")
    assert (
        master.take_messages() == [("repeat_merged", "H1"), ("repeat_merged", "H2")]
        and master.state is State.DISPATCHED
    )


def test_T4_merging_another_category_needs_a_reason() -> None:
    repeat, _ = pair(category=Category.COMPLAINT)
    with refused("not_same_matter"):
        repeat.act("dispatcher", "merge", into="T1")
    repeat.act("dispatcher", "merge", into="T1", reason="同一路段的同一盏灯")
    assert repeat.plans[-1].entry.arguments["reason"] == "同一路段的同一盏灯"


def test_T4_a_ticket_is_never_merged_in_chains_into_itself_or_into_an_ended_one() -> None:
    repeat, master = pair()
    repeat.act("dispatcher", "merge", into="T1")
    third = Flow(number=3)
    third.other = repeat
    with refused("merge_chain"):
        third.act("dispatcher", "merge", into="T2")
    master.other = third
    with refused("merge_chain"):  # it is a master already
        master.act("dispatcher", "merge", into="T3")
    third.other = third
    with refused("merge_itself"):
        third.act("dispatcher", "merge", into="T3")
    third.other = Flow().act("dispatcher", "answer", text="请拨打供电热线")
    with refused("master_ended"):
        third.act("dispatcher", "merge", into="T1")
    third.other = None
    with refused("not_found"):
        third.act("dispatcher", "merge", into="T9")


# -- returns and reassignment (T8-T11)


def returned_once() -> Flow:
    """Return a ticket that U01 returned and U02 asks to return."""
    flow = signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
    flow.act("dispatcher", "dispatch", unit="U02").act("handler_u02", "sign").act("handler_u02", "return", **RETURN)
    return flow


def test_Q44_the_second_return_is_an_arbitration_that_names_who_handles() -> None:
    flow = returned_once()
    assert flow.snap.requests[-1].facts["arbitration"] is True
    message = next(x for x in reversed(flow.messages) if x.kind == "review_requested")
    assert message.facts["what"] == "arbitration"
    flow.take_messages()
    flow.act("reviewer", "decide_return", accept=True, unit="U01", reason="属住建职责")
    assert flow.state is State.DISPATCHED and flow.lead.unit == "U01" and flow.ticket.return_count == 2
    assert {("return_accepted", "H9"), ("ticket_dispatched", "H1")} <= set(flow.take_messages())
    with refused("return_arbitrated"):
        flow.act("handler", "sign").act("handler", "return", **RETURN)


def test_Q44_refused_in_the_arbitration_the_unit_keeps_the_ticket_for_good() -> None:
    flow = returned_once()
    flow.take_messages()
    flow.act("reviewer", "decide_return", accept=False, reason="属贵单位职责")
    assert flow.take_messages() == [("return_arbitrated", "H9")] and "return" not in flow.open_duties
    with refused("return_arbitrated"):
        flow.act("handler_u02", "return", **RETURN)


@pytest.mark.proves("return.arbitrate_after")
def test_A19_after_two_refused_returns_there_is_no_third_and_the_number_is_a_setting() -> None:
    flow = signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=False, reason="属职责")
    flow.act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=False, reason="属职责")
    with refused("return_arbitrated"):
        flow.act("handler", "return", **RETURN)
    flow = signed(**{"return.arbitrate_after": "3"}).act("handler", "return", **RETURN)
    flow.act("reviewer", "decide_return", accept=False, reason="属职责").act("handler", "return", **RETURN)
    assert flow.snap.requests[-1].facts["arbitration"] is False


def test_only_an_arbitration_names_a_unit_and_never_the_one_that_asked() -> None:
    with refused("bad_field"):
        signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True, unit="U02")
    with refused("already_there"):
        returned_once().act("reviewer", "decide_return", accept=True, unit="U02")


def test_A19_an_arbitration_that_names_no_unit_leaves_the_ticket_for_the_institution_to_dispatch() -> None:
    flow = returned_once().act("reviewer", "decide_return", accept=True)
    assert flow.state is State.PENDING_DISPATCH and flow.open_duties == {"dispatch"}


def test_T10_a_red_card_given_while_the_review_was_overdue_is_taken_back() -> None:
    flow = signed(grade=Grade.URGENT)
    due = flow.lead.close_due_at
    flow.at = due - timedelta(hours=1)
    flow.act("handler", "return", **RETURN)  # to be decided within 30 minutes
    flow.at = due
    assert flow.act("clock", "red_card").lead.red_card_at == due
    flow.at = due + timedelta(hours=1)
    flow.act("reviewer", "decide_return", accept=False, reason="属于贵单位职责")
    assert flow.lead.red_card_at is None and "red" not in flow.ticket.flags
    assert flow.lead.close_due_at == due + timedelta(hours=1.5)
    assert flow.plans[-1].entry.arguments["card_taken_back"] == due.isoformat()
    flow.at = flow.lead.close_due_at
    assert flow.act("clock", "red_card").lead.red_card_at == due + timedelta(hours=1.5)


@pytest.mark.parametrize(("late_by", "card"), [(timedelta(minutes=20), True), (timedelta(hours=2), False)])
def test_T10_a_red_card_stays_if_the_review_was_in_time_or_began_after_the_card(late_by: timedelta, card: bool) -> None:
    flow = signed(grade=Grade.URGENT)
    due = flow.lead.close_due_at
    flow.at = due - timedelta(minutes=10)
    flow.act("handler", "return", **RETURN)
    flow.at = due
    flow.act("clock", "red_card")
    flow.at = due - timedelta(minutes=10) + late_by
    flow.act("reviewer", "decide_return", accept=False, reason="属职责")
    assert (flow.lead.red_card_at is not None) is card
    flow = signed(grade=Grade.URGENT)
    flow.at = flow.lead.close_due_at
    flow.act("clock", "red_card").act("handler", "return", **RETURN).wait(hours=5)
    flow.act("reviewer", "decide_return", accept=False, reason="属职责")
    assert flow.lead.red_card_at and flow.lead.close_due_at == flow.lead.red_card_at


def test_T11_an_unanswered_supervision_moves_with_the_ticket() -> None:
    flow = signed().act("supervisor", "supervise", reason="媒体关注").act("dispatcher", "reassign", unit="U02")
    duty = next(d for d in flow.snap.duties if d.kind == "supervise" and d.met_at is None)
    assert duty.assignment_id == flow.lead.id and duty.unit == "U02"


# -- assisting units (Q21)


def assisted() -> Flow:
    """Return a ticket of U01 that U02 assists with."""
    return signed().act("dispatcher", "assist", unit="U02").act("handler_u02", "sign")


@pytest.mark.parametrize("end", ["visit", "cancel", "finalize", "direct"])
def test_Q21_assistance_ends_with_the_ticket_and_the_journal_says_what_was_done(end: str) -> None:
    flow = assisted().act("handler_u02", "contact", reached=True).act("handler_u02", "reply", text="已配合断电")
    assert flow.state is State.SIGNED
    if end == "cancel":
        flow.act("dispatcher", "cancel", reason="撤回")
    elif end == "direct":
        flow.act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
        flow.act("dispatcher", "answer", text="已答复")
    else:
        flow.act("handler", "close", text="已修复", feedback="好").act("clock", "start_visit")
        flow.act("clock", "visit", kind="auto", answer="satisfied")
    assistance = next(a for a in flow.snap.assignments if not a.lead)
    assert assistance.ended_at
    assert not [d for d in flow.snap.duties if d.assignment_id == assistance.id and d.met_at is None]
    if end != "cancel":
        assert flow.plans[-1].entry.arguments["assisted"] == [
            {"unit": "U02", "signed": "manual", "contacted": True, "replied": True, "finished": False}
        ]


def test_Q21_only_the_lead_unit_asks_for_what_concerns_the_whole_ticket() -> None:
    flow = assisted()
    due = (flow.lead.close_due_at + timedelta(days=1)).isoformat()
    with refused("not_lead"):
        flow.act("handler_u02", "extend", new_due_at=due, reason="待料",
                  requester_informed={"at": flow.at.isoformat(), "way": "phone"})  # fmt: skip
    flow.act("handler_u02", "reply", text="已配合").act("handler_u02", "close", feedback="好")
    assert flow.state is State.SIGNED and "close" in flow.open_duties  # its own part only


def test_Q21_an_assisting_unit_that_becomes_the_lead_has_one_assignment() -> None:
    flow = assisted().act("dispatcher", "reassign", unit="U02")
    open_ones = [a for a in flow.snap.assignments if a.ended_at is None]
    assert [(a.unit, a.lead) for a in open_ones] == [("U02", True)]
    with refused("already_there"):
        flow.act("dispatcher", "assist", unit="U02")


# -- regrading (Q28)


def test_Q28_an_upgrade_after_signing_is_announced_by_chat_and_telephone() -> None:
    flow = assisted()
    flow.take_messages()
    flow.act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert flow.take_messages() == [
        ("regraded_urgent", "H1"),
        ("regraded_urgent", "H2"),
        ("call_regraded", "H1"),
        ("regraded_urgent", "H9"),
        ("call_regraded", "H9"),
    ]
    assert flow.lead.close_due_at == flow.at + timedelta(hours=24)


def test_Q28_an_upgrade_shortens_the_review_too_and_a_downgrade_never_shortens_a_limit() -> None:
    flow = signed().act("handler", "return", **RETURN).act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert flow.snap.requests[-1].review_due_at == flow.at + timedelta(minutes=30)
    before = flow.lead.close_due_at
    flow.act("dispatcher", "regrade", grade="general", reason="已平息")
    assert flow.lead.close_due_at == datetime(2026, 11, 17, 17, 0, tzinfo=ZONE) > before
    with refused("same_grade"):
        flow.act("dispatcher", "regrade", grade="general", reason="x")


# -- flags (Q32)


@pytest.mark.parametrize(
    ("role", "name", "at_once"),
    [
        ("handler", "mass_incident", False), ("dispatcher", "mass_incident", False),
        ("handler", "hard_case", True), ("dispatcher", "hard_case", False),
        ("handler", "confidential", False), ("dispatcher", "confidential", True),
    ],
)  # fmt: skip
def test_Q32_a_flag_in_its_proposers_interest_is_decided_by_another_person(role: str, name: str, at_once: bool) -> None:
    flow = signed().act(role, "flag", reason="涉及多户", **{name: True})
    assert (name in flow.ticket.flags) is at_once
    if not at_once:
        flow.act("reviewer", "decide_flag", accept=True)
        assert name in flow.ticket.flags
    flow.act("dispatcher", "flag", reason="已解除", **{name: False})
    assert name in flow.ticket.flags  # lifting is always decided by another
    flow.act("reviewer", "decide_flag", accept=True)
    assert name not in flow.ticket.flags


def test_Q32_of_several_proposals_the_named_one_is_decided() -> None:
    flow = signed().act("handler", "flag", reason="多户", mass_incident=True)
    flow.act("handler", "flag", reason="要求保密", confidential=True)
    flow.act("reviewer", "decide_flag", accept=True, flag="confidential")
    assert flow.ticket.flags == {"confidential"}
    flow.act("reviewer", "decide_flag", accept=True)
    assert flow.ticket.flags == {"confidential", "mass_incident"}
    with refused("nothing_pending"):
        flow.act("second_reviewer", "decide_flag", accept=True)


# -- the rest


def test_T29_an_appeal_reaches_the_reviewers_except_the_one_who_decided() -> None:
    flow = unsatisfied().act("handler", "claim_unreasonable", reason="超出职权", files=["f1"])
    flow.act("second_reviewer", "decide_unreasonable", accept=False, reason="属合理诉求").take_messages()
    flow.act("handler", "appeal", reason="有会议纪要")
    assert flow.take_messages() == [("review_requested", "R1")]


def test_T29_nobody_appeals_before_a_claim_was_refused() -> None:
    flow = unsatisfied()
    with refused("nothing_to_appeal"):
        flow.act("handler", "appeal", reason="有会议纪要")


def test_T29_a_demand_recognised_as_unreasonable_is_marked_and_an_appeal_may_mark_it_too_B43_XM28() -> None:
    recognised = {"accept": True, "class": "untrue", "reason": "查无此事"}
    claimed = unsatisfied().act("handler", "claim_unreasonable", reason="超出职权", files=["f1"])
    assert "unreasonable" not in claimed.ticket.shown_flags
    assert "unreasonable" in claimed.act("reviewer", "decide_unreasonable", **recognised).ticket.shown_flags
    flow = unsatisfied().act("handler", "claim_unreasonable", reason="超出职权", files=["f1"])
    flow.act("reviewer", "decide_unreasonable", accept=False, reason="属合理诉求")
    assert "unreasonable" not in flow.ticket.shown_flags
    flow.act("handler", "appeal", reason="有会议纪要").act("second_reviewer", "decide_unreasonable", **recognised)
    assert "unreasonable" in flow.ticket.shown_flags


def test_T2_a_ticket_dispatched_before_its_direct_answer_still_counts_as_dispatched_Q17() -> None:
    flow = signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
    assert flow.act("dispatcher", "answer", text="已答复").ticket.requires_dispatch


def test_A17_a_ticket_with_a_red_card_is_archived_only_after_its_review() -> None:
    flow = signed()
    flow.at = flow.lead.close_due_at
    flow.act("clock", "red_card").act("handler", "close", text="已办", feedback="好").act("clock", "start_visit")
    flow.act("clock", "visit", kind="auto", answer="satisfied")
    with refused("review_missing"):
        flow.act("clock", "archive")
    flow.act("reviewer", "review", conclusion="超期").act("clock", "archive")
    assert flow.state is State.ARCHIVED
