"""What the table owes beyond its states: merges, arbitration, taken-back cards, upgrades, helpers, second persons."""

from datetime import datetime, timedelta

import pytest

from backend.domain.flow import Unchanged
from backend.domain.ticket import Category, Grade, State
from tests.domain.flow_world import ZONE, Paper
from tests.domain.test_flow import RETURN, closed, refused, signed, unsatisfied

# -- T4


def pair(**kind: object) -> tuple[Paper, Paper]:
    """A repeat and the master it names."""
    repeat, master = Paper(number=2, **kind), Paper()  # type: ignore[arg-type]
    repeat.beside = master
    return repeat, master


def test_T4_a_repeat_goes_under_its_master_and_both_journals_say_so_Q23() -> None:
    repeat, master = pair()
    master.act("dispatcher", "dispatch", unit="U01").told()
    repeat.act("dispatcher", "merge", into="T1")
    assert repeat.state is State.MERGED and repeat.snap.ticket.merged_into == 1 and repeat.open() == set()
    assert master.snap.ticket.repeats == 1 and "suspected_repeat" in master.snap.ticket.flags
    line = master.plans[-1].entry
    assert (line.verb, line.by, line.words["repeat"]) == ("take_repeat", "D1", "T2")
    assert master.told() == [("M30", "H1"), ("M30", "H2")] and master.state is State.DISPATCHED


def test_T4_another_caller_or_another_matter_wants_a_reason() -> None:
    repeat, _ = pair(category=Category.COMPLAINT)
    with refused("not_same_matter"):
        repeat.act("dispatcher", "merge", into="T1")
    repeat.act("dispatcher", "merge", into="T1", reason="同一路段的同一盏灯")
    assert repeat.plans[-1].entry.words["reason"] == "同一路段的同一盏灯"


def test_T4_nothing_is_merged_in_chains_into_itself_or_into_what_has_ended() -> None:
    repeat, master = pair()
    repeat.act("dispatcher", "merge", into="T1")
    third = Paper(number=3)
    third.beside = repeat
    with refused("merge_chain"):
        third.act("dispatcher", "merge", into="T2")
    master.beside = third
    with refused("merge_chain"):  # it is a master already
        master.act("dispatcher", "merge", into="T3")
    third.beside = third
    with refused("merge_itself"):
        third.act("dispatcher", "merge", into="T3")
    third.beside = Paper().act("dispatcher", "answer", text="请拨打供电热线")
    with refused("master_ended"):
        third.act("dispatcher", "merge", into="T1")
    third.beside = None
    with refused("not_found"):
        third.act("dispatcher", "merge", into="T9")


# -- T8-T11


def returned_once() -> Paper:
    """A ticket that U01 gave back and U02 signed for."""
    paper = signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
    paper.act("dispatcher", "dispatch", unit="U02").act("stranger", "sign").act("stranger", "return", **RETURN)
    return paper


def test_Q44_the_second_return_is_an_arbitration_that_names_who_handles() -> None:
    paper = returned_once()
    assert paper.snap.requests[-1].facts["arbitration"] is True
    message = next(x for x in reversed(paper.messages) if x.kind == "M9r")
    assert message.facts["what"] == "arbitration"
    paper.told()
    paper.act("reviewer", "decide_return", accept=True, unit="U01", reason="属住建职责")
    assert paper.state is State.DISPATCHED and paper.lead.unit == "U01" and paper.snap.ticket.bounces == 2
    assert {("M10", "H9"), ("M1", "H1")} <= set(paper.told())
    with refused("return_arbitrated"):
        paper.act("handler", "sign").act("handler", "return", **RETURN)


def test_Q44_refused_in_the_arbitration_the_unit_keeps_it_for_good() -> None:
    paper = returned_once()
    paper.told()
    paper.act("reviewer", "decide_return", accept=False, reason="属贵单位职责")
    assert paper.told() == [("M11a", "H9")] and "return" not in paper.open()
    with refused("return_arbitrated"):
        paper.act("stranger", "return", **RETURN)


def test_A19_two_refusals_are_enough_and_how_many_is_a_setting() -> None:
    paper = signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=False, reason="属职责")
    paper.act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=False, reason="属职责")
    with refused("return_arbitrated"):
        paper.act("handler", "return", **RETURN)
    paper = signed(**{"return.arbitrate_after": "3"}).act("handler", "return", **RETURN)
    paper.act("reviewer", "decide_return", accept=False, reason="属职责").act("handler", "return", **RETURN)
    assert paper.snap.requests[-1].facts["arbitration"] is False


def test_only_an_arbitration_names_a_unit_and_never_the_one_that_asked() -> None:
    with refused("bad_field"):
        signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True, unit="U02")
    with refused("already_there"):
        returned_once().act("reviewer", "decide_return", accept=True, unit="U02")


def test_A19_in_an_arbitration_without_a_name_the_institution_owns_the_ticket_until_it_dispatches() -> None:
    paper = returned_once().act("reviewer", "decide_return", accept=True)
    assert paper.state is State.PENDING_DISPATCH and paper.open() == {"dispatch"}


def test_T10_a_card_that_fell_while_the_reviewer_took_too_long_is_taken_back() -> None:
    paper = signed(grade=Grade.URGENT)
    due = paper.lead.close_due_at
    paper.at = due - timedelta(hours=1)
    paper.act("handler", "return", **RETURN)  # to be decided within 30 minutes
    paper.at = due
    assert paper.act("clock", "red_card").lead.red_card_at == due
    paper.at = due + timedelta(hours=1)
    paper.act("reviewer", "decide_return", accept=False, reason="属于贵单位职责")
    assert paper.lead.red_card_at is None and "red" not in paper.snap.ticket.flags
    assert paper.lead.close_due_at == due + timedelta(hours=1.5)
    assert paper.plans[-1].entry.words["card_taken_back"] == due.isoformat()
    paper.at = paper.lead.close_due_at
    assert paper.act("clock", "red_card").lead.red_card_at == due + timedelta(hours=1.5)


@pytest.mark.parametrize(("late_by", "card"), [(timedelta(minutes=20), True), (timedelta(hours=2), False)])
def test_T10_a_card_stands_when_the_reviewer_was_in_time_or_it_fell_before_he_was_asked(
    late_by: timedelta, card: bool
) -> None:
    paper = signed(grade=Grade.URGENT)
    due = paper.lead.close_due_at
    paper.at = due - timedelta(minutes=10)
    paper.act("handler", "return", **RETURN)
    paper.at = due
    paper.act("clock", "red_card")
    paper.at = due - timedelta(minutes=10) + late_by
    paper.act("reviewer", "decide_return", accept=False, reason="属职责")
    assert (paper.lead.red_card_at is not None) is card
    paper = signed(grade=Grade.URGENT)
    paper.at = paper.lead.close_due_at
    paper.act("clock", "red_card").act("handler", "return", **RETURN).later(hours=5)
    paper.act("reviewer", "decide_return", accept=False, reason="属职责")
    assert paper.lead.red_card_at and paper.lead.close_due_at == paper.lead.red_card_at


def test_T11_an_unanswered_supervision_goes_with_the_ticket() -> None:
    paper = signed().act("supervisor", "supervise", reason="媒体关注").act("dispatcher", "reassign", unit="U02")
    duty = next(d for d in paper.snap.duties if d.kind == "supervise" and d.met_at is None)
    assert duty.assignment_id == paper.lead.id and duty.unit == "U02"


# -- Q21


def assisted() -> Paper:
    """A ticket of U01 that U02 helps with."""
    return signed().act("dispatcher", "assist", unit="U02").act("stranger", "sign")


@pytest.mark.parametrize("end", ["visit", "cancel", "finalize", "direct"])
def test_Q21_who_assisted_is_done_when_the_ticket_is_and_the_record_says_what_he_did(end: str) -> None:
    paper = assisted().act("stranger", "contact", reached=True).act("stranger", "reply", text="已配合断电")
    assert paper.state is State.SIGNED
    if end == "cancel":
        paper.act("dispatcher", "cancel", reason="撤回")
    elif end == "direct":
        paper.act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
        paper.act("dispatcher", "answer", text="已答复")
    else:
        paper.act("handler", "close", text="已修复", feedback="好").act("clock", "start_visit")
        paper.act("clock", "visit", kind="auto", answer="satisfied")
    helper = next(a for a in paper.snap.assignments if not a.lead)
    assert helper.ended_at and not [d for d in paper.snap.duties if d.assignment_id == helper.id and d.met_at is None]
    if end != "cancel":
        assert paper.plans[-1].entry.words["assisted"] == [
            {"unit": "U02", "signed": "manual", "contacted": True, "replied": True, "finished": False}
        ]


def test_Q21_what_concerns_the_whole_ticket_is_the_lead_units_to_ask() -> None:
    paper = assisted()
    due = (paper.lead.close_due_at + timedelta(days=1)).isoformat()
    with refused("not_lead"):
        paper.act("stranger", "extend", new_due_at=due, reason="待料",
                  requester_informed={"at": paper.at.isoformat(), "way": "phone"})  # fmt: skip
    paper.act("stranger", "reply", text="已配合").act("stranger", "close", feedback="好")
    assert paper.state is State.SIGNED and "close" in paper.open()  # its own part only


def test_Q21_a_helper_that_becomes_the_lead_has_one_assignment() -> None:
    paper = assisted().act("dispatcher", "reassign", unit="U02")
    living = [a for a in paper.snap.assignments if a.ended_at is None]
    assert [(a.unit, a.lead) for a in living] == [("U02", True)]
    with refused("already_there"):
        paper.act("dispatcher", "assist", unit="U02")


# -- Q28


def test_Q28_an_upgrade_after_signing_is_announced_again_by_chat_and_telephone() -> None:
    paper = assisted()
    paper.told()
    paper.act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert paper.told() == [("M2u", "H1"), ("M2u", "H2"), ("P4", "H1"), ("M2u", "H9"), ("P4", "H9")]
    assert paper.lead.close_due_at == paper.at + timedelta(hours=24)


def test_Q28_an_upgrade_hurries_the_reviewer_too_and_a_downgrade_gives_no_less_time_than_there_was() -> None:
    paper = signed().act("handler", "return", **RETURN).act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert paper.snap.requests[-1].review_due_at == paper.at + timedelta(minutes=30)
    before = paper.lead.close_due_at
    paper.act("dispatcher", "regrade", grade="general", reason="已平息")
    assert paper.lead.close_due_at == datetime(2026, 11, 17, 17, 0, tzinfo=ZONE) > before
    with refused("same_grade"):
        paper.act("dispatcher", "regrade", grade="general", reason="x")


# -- Q32


@pytest.mark.parametrize(
    ("who", "name", "at_once"),
    [
        ("handler", "mass_incident", False), ("dispatcher", "mass_incident", False),
        ("handler", "hard_case", True), ("dispatcher", "hard_case", False),
        ("handler", "confidential", False), ("dispatcher", "confidential", True),
    ],
)  # fmt: skip
def test_Q32_a_flag_that_gains_its_proposer_something_is_decided_by_another(who: str, name: str, at_once: bool) -> None:
    paper = signed().act(who, "flag", reason="涉及多户", **{name: True})
    assert (name in paper.snap.ticket.flags) is at_once
    if not at_once:
        paper.act("reviewer", "decide_flag", accept=True)
        assert name in paper.snap.ticket.flags
    paper.act("dispatcher", "flag", reason="已解除", **{name: False})
    assert name in paper.snap.ticket.flags  # lifting is always decided by another
    paper.act("reviewer", "decide_flag", accept=True)
    assert name not in paper.snap.ticket.flags


def test_Q32_of_several_proposals_the_named_one_is_decided() -> None:
    paper = signed().act("handler", "flag", reason="多户", mass_incident=True)
    paper.act("handler", "flag", reason="要求保密", confidential=True)
    paper.act("reviewer", "decide_flag", accept=True, flag="confidential")
    assert paper.snap.ticket.flags == {"confidential"}
    paper.act("reviewer", "decide_flag", accept=True)
    assert paper.snap.ticket.flags == {"confidential", "mass_incident"}
    with refused("nothing_pending"):
        paper.act("second_reviewer", "decide_flag", accept=True)


# -- the rest


def test_T29_an_appeal_reaches_the_reviewers_but_the_one_who_decided() -> None:
    paper = unsatisfied().act("handler", "claim_unreasonable", reason="超出职权", files=["f1"])
    paper.act("second_reviewer", "decide_unreasonable", accept=False, reason="属合理诉求").told()
    paper.act("handler", "appeal", reason="有会议纪要")
    assert paper.told() == [("M9r", "R1")]


def test_the_signer_may_repeat_himself_whatever_came_after() -> None:
    paper = signed().act("deputy", "contact", reached=True).later(hours=1)
    with pytest.raises(Unchanged):
        paper.act("handler", "sign")
    with refused("overtaken") as late:
        paper.act("deputy", "sign")
    assert (late.value.facts["by"], late.value.facts["state"]) == ("H1", "signed")


def test_T2_what_was_dispatched_before_still_required_dispatch_Q17() -> None:
    paper = signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
    assert paper.act("dispatcher", "answer", text="已答复").snap.ticket.requires_dispatch


def test_A17_a_badly_handled_ticket_is_archived_only_after_its_review() -> None:
    paper = signed()
    paper.at = paper.lead.close_due_at
    paper.act("clock", "red_card").act("handler", "close", text="已办", feedback="好").act("clock", "start_visit")
    paper.act("clock", "visit", kind="auto", answer="satisfied")
    with refused("review_missing"):
        paper.act("clock", "archive")
    paper.act("reviewer", "review", conclusion="超期").act("clock", "archive")
    assert paper.state is State.ARCHIVED


def test_T22_a_reply_sent_back_after_its_time_gets_its_card() -> None:
    paper = closed()
    paper.at = paper.lead.close_due_at + timedelta(minutes=1)
    paper.act("reviewer", "send_back", reason="答复为空").act("clock", "red_card")
    assert paper.lead.red_card_at == paper.lead.close_due_at


def test_A13_A32_the_cause_is_kept_with_the_closing_and_may_be_demanded() -> None:
    paper = signed().act("handler", "reply", text="已修复").act("handler", "close", feedback="好", cause="线路老化")
    assert paper.lead.cause == "线路老化"
    paper = signed(**{"close.requires_cause": "true"}).act("handler", "reply", text="已修复")
    with refused("cause_missing"):
        paper.act("handler", "close", feedback="好")
    assert paper.act("handler", "close", feedback="好", cause="线路老化").state is State.CLOSED


def test_A25_the_day_to_look_again_at_what_was_explained_lies_ahead() -> None:
    explained = {"close_type": "explained_unresolvable", "text": "受规划限制", "explanation": "规划调整后办理"}
    with refused("bad_field"):
        signed().act("handler", "close", revisit_on="2026-11-09", **explained)
    signed().act("handler", "close", revisit_on="2026-11-10", **explained)
