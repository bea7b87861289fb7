"""The rows of the move table up to the closing: what each does, and the refusal code of each guard."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.domain.move_table import TRANSITIONS, Transition
from backend.domain.ticket_enums import Grade, Role, State
from tests.domain.move_world import INFORMED, RETURN, ROLES, ZONE, Flow, closed, refused, signed, under_review


def test_T2_a_question_answered_at_once_needs_no_dispatch() -> None:
    flow = Flow().act("dispatcher", "answer", text="请拨打供电热线")
    assert flow.state is State.FINALIZED and not flow.ticket.requires_dispatch


def test_T5_dispatch_opens_the_duties_of_the_unit_and_notifies_its_handlers() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01")
    assert flow.state is State.DISPATCHED
    assert flow.open_duties == {"sign", "return", "contact", "reply", "close"}
    assert flow.lead.sign_due_at == datetime(2026, 11, 11, 17, 0, tzinfo=ZONE)
    assert flow.take_messages() == [("ticket_dispatched", "H1"), ("ticket_dispatched", "H2"), ("call_to_sign", "H1")]


def test_an_urgent_dispatch_is_announced_by_call_at_once_A10() -> None:
    flow = Flow(grade=Grade.URGENT).act("dispatcher", "dispatch", unit="U01")
    call = next(x for x in flow.messages if x.kind == "call_to_sign")
    assert call.channel == "phone" and call.not_before == flow.at
    assert flow.lead.sign_due_at == flow.at + timedelta(hours=2)


@pytest.mark.parametrize(
    ("policy", "call"),
    [("always", "at_once"), ("urgent", None), ("urgent_or_unopened", "unless_opened"), ("never", None)],
)
def test_which_general_tickets_are_announced_by_call_is_a_setting(policy: str, call: str | None) -> None:
    flow = Flow(notify__phone__on_dispatch=policy).act("dispatcher", "dispatch", unit="U01")
    calls = [x for x in flow.messages if x.kind == "call_to_sign"]
    assert len(calls) == (call is not None)
    if calls:
        assert ("unless_opened" in calls[0].facts) == (call == "unless_opened")


@pytest.mark.parametrize(
    ("unit", "code"),
    [("U03", "no_handler"), ("U04", "unit_inactive"), ("X", "unknown_unit"), ("M01", "not_a_handling_unit")],
)
def test_T5_a_unit_that_cannot_be_notified_gets_no_ticket(unit: str, code: str) -> None:
    with refused(code):
        Flow().act("dispatcher", "dispatch", unit=unit)


def test_T6_signing_on_the_very_second_is_timely_and_one_second_later_is_not_Q26() -> None:
    for late, outcome in ((0, "timely"), (1, "late")):
        flow = Flow().act("dispatcher", "dispatch", unit="U01")
        flow.at = flow.lead.sign_due_at + timedelta(seconds=late)
        assert flow.act("handler", "sign").outcomes("sign") == [outcome]


def test_T7_auto_sign_is_recorded_at_the_due_time_and_counts_as_untimely_B33() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01")
    due = flow.lead.sign_due_at
    flow.take_messages()
    flow.at = due + timedelta(hours=3)
    flow.act("clock", "auto_sign", at=due)
    assert (flow.lead.sign_method, flow.lead.signed_at, flow.outcomes("sign")) == ("auto", due, ["auto"])
    assert flow.plans[-1].entry.at == due
    assert flow.take_messages() == [("auto_signed", "H1"), ("auto_signed", "H2"), ("auto_signed", "L1")]


@pytest.mark.parametrize(
    ("without", "code"),
    [("reason", "reason_missing"), ("files", "files_missing"), ("signed_by", "signature_missing")],
)
def test_T8_a_return_needs_a_reason_a_statement_and_a_seal_B35(without: str, code: str) -> None:
    with refused(code):
        signed().act("handler", "return", **{k: v for k, v in RETURN.items() if k != without})


def test_T8_a_late_return_is_allowed_but_counted_B35() -> None:
    flow = signed()
    flow.at = flow.lead.sign_due_at + timedelta(seconds=1)
    flow.act("handler", "return", **RETURN)
    assert flow.state is State.RETURN_REVIEW and flow.outcomes("return") == ["late"]
    assert flow.plans[-1].entry.arguments["timely"] is False


def test_T9_an_accepted_return_ends_the_units_duties_and_the_institution_must_dispatch_again() -> None:
    flow = signed().act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
    assert flow.state is State.PENDING_DISPATCH and flow.ticket.return_count == 1
    assert flow.open_duties == {"dispatch"} and flow.outcomes("close") == ["void"]
    flow.act("dispatcher", "dispatch", unit="U02")
    assert flow.lead.unit == "U02" and flow.outcomes("dispatch") == ["timely"]


@pytest.mark.parametrize(
    ("grade", "added"), [(Grade.GENERAL, timedelta(hours=17.5)), (Grade.URGENT, timedelta(hours=3))]
)
def test_T10_time_the_reviewer_overran_is_added_to_the_close_limit(grade: Grade, added: timedelta) -> None:
    flow = signed(grade=grade)  # two office hours for a general one: next morning at 10:30
    due = flow.lead.close_due_at
    flow.act("handler", "return", **RETURN)
    review_due = flow.snap.requests[-1].review_due_at
    assert review_due is not None
    flow.at = review_due + timedelta(hours=3)
    flow.act("reviewer", "decide_return", accept=False, reason="属于贵单位职责")
    assert flow.state is State.SIGNED and flow.lead.close_due_at == due + added
    assert {d.due_at for d in flow.snap.duties if d.kind in ("close", "reply")} == {due + added}


def test_after_two_accepted_returns_the_unit_may_not_return_the_ticket_again_A19() -> None:
    flow = Flow()
    for unit, role in (("U01", "handler"), ("U02", "handler_u02")):
        flow.act("dispatcher", "dispatch", unit=unit).act(role, "sign").act(role, "return", **RETURN)
        flow.act("reviewer", "decide_return", accept=True)
    flow.act("dispatcher", "dispatch", unit="U01").act("handler", "sign")
    with refused("return_arbitrated"):
        flow.act("handler", "return", **RETURN)


def test_T11_reassigning_voids_the_duties_of_the_old_unit_and_notifies_both() -> None:
    flow = signed().act("dispatcher", "reassign", unit="U02")
    assert flow.lead.unit == "U02" and flow.state is State.DISPATCHED
    assert {("assignment_withdrawn", "H1"), ("ticket_dispatched", "H9")} <= set(flow.take_messages())
    assert flow.outcomes("close") == ["void", None]


def test_T12_the_contact_duty_is_met_when_the_requester_is_first_reached() -> None:
    flow = signed().act("handler", "contact", reached=False, note="无人接听")
    assert "contact" in flow.open_duties
    assert flow.act("handler", "contact", reached=True).outcomes("contact") == ["timely"]


def test_T13_T14_an_extension_needs_that_the_requester_knows_of_it_and_is_granted_twice_at_most() -> None:
    flow = signed()
    new_due = flow.lead.close_due_at + timedelta(days=1)
    with refused("requester_not_informed"):
        flow.act("handler", "extend", new_due_at=new_due.isoformat(), reason="待配件")
    for n in (1, 2):
        due = (flow.lead.close_due_at + timedelta(days=1)).isoformat()
        flow.act("handler", "extend", new_due_at=due, reason="待配件", requester_informed=INFORMED)
        assert flow.state is State.EXTENSION_REVIEW
        flow.act("reviewer", "decide_extension", accept=True)
        assert flow.lead.extension_count == n and flow.state is State.SIGNED
    with refused("too_many_extensions"):
        flow.act("handler", "extend", new_due_at=due, reason="待配件", requester_informed=INFORMED)


def test_an_extension_refused_after_the_due_time_lets_the_withheld_red_card_come_Q30() -> None:
    flow = signed()
    due = flow.lead.close_due_at
    flow.at = due - timedelta(minutes=10)
    flow.act("handler", "extend", new_due_at=(due + timedelta(days=1)).isoformat(), reason="待配件",
              requester_informed=INFORMED)  # fmt: skip
    flow.at = due + timedelta(hours=1)
    with refused("withheld"):
        flow.act("clock", "red_card", at=due)
    flow.act("reviewer", "decide_extension", accept=False, reason="理由不足")
    close = next(d for d in flow.snap.duties if d.kind == "close")
    assert close.check_at is not None and close.check_at <= flow.at
    assert flow.act("clock", "red_card", at=due).lead.red_card_at == due


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("replied", [True, False])
def test_while_an_extension_is_reviewed_a_reply_is_possible_and_stands_XM20_T13_T14_T19(
    accept: bool, replied: bool
) -> None:
    flow = under_review()
    if replied:
        assert flow.act("handler", "reply", text="已修复").state is State.REPLIED
    flow.act("reviewer", "decide_extension", accept=accept, reason="理由不足")
    assert flow.state is (State.REPLIED if replied else State.SIGNED)
    assert flow.lead.extension_count == int(accept)


@pytest.mark.parametrize("minutes", [0, 60])
@pytest.mark.parametrize("verbs", [("close",), ("reply", "close")])
def test_closing_while_an_extension_is_reviewed_withdraws_it_and_loses_no_card_XM20_T20_Q30(
    minutes: int, verbs: tuple[str, ...]
) -> None:
    flow = under_review()
    due = flow.lead.close_due_at
    flow.wait(minutes=minutes)
    for verb in verbs:
        flow.act("handler", verb, text="已修复", **({"feedback": "好"} if verb == "close" else {}))
    assert flow.state is State.CLOSED and flow.snap.requests[-1].decision == "withdrawn"
    assert "review" not in flow.open_duties and flow.lead.extension_count == 0
    assert flow.lead.red_card_at == (due if minutes else None)
    assert flow.outcomes("close") == ["late" if minutes else "timely"]
    with refused("overtaken"):
        flow.act("reviewer", "decide_extension", accept=True)


def test_a_card_is_withheld_from_a_ticket_replied_to_while_its_extension_is_reviewed_XM20_T16() -> None:
    flow = under_review().act("handler", "reply", text="已修复")
    due = flow.lead.close_due_at
    flow.at = due + timedelta(hours=1)
    with refused("withheld"):
        flow.act("clock", "red_card", at=due)
    flow.act("reviewer", "decide_extension", accept=False, reason="理由不足")
    assert flow.act("clock", "red_card", at=due).lead.red_card_at == due


def test_T15_T16_a_yellow_card_comes_before_the_red_one_which_comes_once_at_the_due_time() -> None:
    flow = signed().act("clock", "yellow_card")
    due = flow.lead.close_due_at
    flow.take_messages()
    flow.at = due + timedelta(minutes=5)
    flow.act("clock", "red_card", at=due)
    assert flow.lead.red_card_at == due and flow.ticket.flags == {"red"}
    assert {p for _, p in flow.take_messages()} == {"H1", "H2", "L1", "B1"}
    with refused("already_there"):
        flow.act("clock", "red_card", at=due)
    flow.act("handler", "reply", text="已修复").act("handler", "close", feedback="好", no_objection=True)
    assert flow.outcomes("close") == ["late"]


def test_an_approved_mass_incident_gets_no_card_Q32() -> None:
    flow = signed().act("handler", "flag", mass_incident=True, reason="涉及百余户")
    with refused("forbidden"):
        flow.act("handler", "decide_flag", accept=True)
    flow.act("reviewer", "decide_flag", accept=True)
    assert "mass_incident" in flow.ticket.flags
    flow.at = flow.lead.close_due_at + timedelta(hours=1)
    with refused("not_now"):
        flow.act("clock", "red_card", at=flow.lead.close_due_at)


def test_T17_T18_supervision_has_its_own_limit_and_ends_when_the_progress_is_accepted() -> None:
    flow = signed().act("supervisor", "supervise", reason="媒体关注")
    assert "supervise" in flow.open_duties and "supervised" in flow.ticket.flags
    flow.act("handler", "report_progress", text="已派人").act("supervisor", "accept_progress", accept=True)
    assert flow.outcomes("supervise") == ["timely"] and "supervised" not in flow.ticket.flags


def test_T20_no_closing_without_a_reply_nor_against_an_objection_A33() -> None:
    flow = signed()
    with refused("reply_missing"):
        flow.act("handler", "close", feedback="好")
    with refused("has_objection"):
        flow.act("handler", "close", feedback="不好", no_objection=False, text="已答复")
    flow.act("handler", "close", feedback="好", no_objection=True, text="已答复")
    assert flow.state is State.CLOSED and flow.open_duties == {"revisit"}


def test_the_beijing_profile_requires_feedback_consent_and_cause_A13_A32_A33_XM27() -> None:
    flow = Flow(profile="beijing_mutual_aid").act("dispatcher", "dispatch", unit="U01", reason="属该单位职责")
    flow.act("handler", "sign").act("handler", "reply", text="已答复")
    with refused("feedback_missing"):
        flow.act("handler", "close", no_objection=True)
    with refused("objection_missing"):
        flow.act("handler", "close", feedback="无异议")
    with refused("cause_missing"):  # A32, XM27
        flow.act("handler", "close", feedback="无异议", no_objection=True)
    closed = flow.act("handler", "close", feedback="无异议", no_objection=True, cause="材料未及时转交")
    assert closed.state is State.CLOSED


def test_T21_what_cannot_be_solved_is_explained_and_approved_by_a_supervisor_A25() -> None:
    flow = signed().act("handler", "reply", text="已解释")
    flow.act(
        "handler",
        "close",
        close_type="explained_unresolvable",
        explanation="政策所限",
        revisit_on="2027-03-01",
    )
    assert flow.state is State.REPLIED
    asked = flow.at
    flow.wait(days=1).act("supervisor", "decide_close", accept=True)
    assert flow.state is State.CLOSED and flow.lead.closed_at == asked
    assert flow.lead.close_type == "explained_unresolvable"


@pytest.mark.proves("close.requires_cause")
def test_A13_A32_the_cause_is_kept_with_the_closing_and_may_be_required() -> None:
    flow = signed().act("handler", "reply", text="已修复").act("handler", "close", feedback="好", cause="线路老化")
    assert flow.lead.cause == "线路老化"
    flow = signed(**{"close.requires_cause": "true"}).act("handler", "reply", text="已修复")
    with refused("cause_missing"):
        flow.act("handler", "close", feedback="好")
    assert flow.act("handler", "close", feedback="好", cause="线路老化").state is State.CLOSED


def test_A25_the_recheck_day_of_an_explained_close_is_today_or_later() -> None:
    explained = {"close_type": "explained_unresolvable", "text": "受规划限制", "explanation": "规划调整后办理"}
    with refused("bad_field"):
        signed().act("handler", "close", revisit_on="2026-11-09", **explained)
    flow = (
        signed()
        .act("handler", "close", revisit_on="2026-11-10", **explained)
        .act("supervisor", "decide_close", accept=True)
    )
    assert flow.lead.revisit_on == "2026-11-10"


EXPLAINED = {"close_type": "explained_unresolvable", "text": "受规划限制", "explanation": "规划调整后办理"}


def explained() -> Flow:
    """A ticket whose unit asks to close it as explained, to be looked at again in three days."""
    return signed().act("handler", "close", revisit_on="2026-11-13", **EXPLAINED)


@pytest.mark.parametrize(
    "acts",
    [
        [("supervisor", "decide_close", {"accept": False, "reason": "尚可协调"})],
        [("handler", "close", {"feedback": "好"})],  # solved after all
        [("supervisor", "decide_close", {"accept": True}), ("reviewer", "send_back", {"reason": "解释不清"})],
    ],
)
def test_the_day_to_look_again_is_gone_with_the_explained_close_A25_XM3(acts: list[Any]) -> None:
    flow = explained()
    assert flow.lead.revisit_on == "2026-11-13"
    for role, verb, arguments in acts:
        flow.act(role, verb, **arguments)
    assert flow.lead.revisit_on is None
    with refused("not_now"):
        flow.wait(days=3).act("clock", "recheck", assignment=flow.lead.id)


def test_on_the_day_to_look_again_the_unit_gets_a_task_and_a_reminder_once_A25_XM3() -> None:
    flow = explained().act("supervisor", "decide_close", accept=True)
    with refused("not_now"):
        flow.act("clock", "recheck")
    flow.wait(days=3).take_messages()
    flow.act("clock", "recheck")
    assert [kind for kind, _ in flow.take_messages()] == ["recheck_today"] * 3 and "supervise" in flow.open_duties
    assert flow.lead.revisit_on is None and "supervised" not in flow.ticket.flags
    with refused("not_now"):
        flow.act("clock", "recheck")
    flow.act("handler", "report_progress", text="规划已调整，下月施工")
    assert flow.outcomes("supervise") == ["timely"]


def test_a_ticket_is_not_archived_before_its_unit_has_looked_again_A25_XM3() -> None:
    flow = explained().act("supervisor", "decide_close", accept=True).act("clock", "start_visit")
    flow.act("clock", "visit", kind="auto", answer="satisfied")
    with refused("recheck_waits"):
        flow.act("clock", "archive")
    flow.wait(days=3).act("clock", "recheck")
    with refused("recheck_waits"):
        flow.act("clock", "archive")
    flow.act("handler", "report_progress", text="仍无法解决").act("clock", "archive")
    assert flow.state is State.ARCHIVED


def test_T22_a_false_reply_is_sent_back_and_counts_as_not_closed() -> None:
    flow = closed().act("reviewer", "send_back", reason="答复为空")
    assert flow.state is State.SIGNED and flow.lead.closed_at is None and "close" in flow.open_duties


def test_Q28_an_upgrade_starts_the_urgent_limit_now_and_the_earlier_due_wins() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01").wait(hours=1)
    flow.act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert flow.lead.sign_due_at == flow.at + timedelta(hours=2)


def test_an_assisting_unit_signs_without_moving_the_ticket_Q21() -> None:
    flow = signed().act("dispatcher", "assist", unit="U02")
    flow.act("handler_u02", "sign")
    assert flow.state is State.SIGNED and [a.state for a in flow.snap.assignments] == ["signed", "signed"]


def test_the_decider_is_never_the_one_who_asked() -> None:
    flow = signed().act("admin", "return", **RETURN)
    with refused("same_person"):
        flow.act("admin", "decide_return", accept=True)


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: row.verb)
def test_only_the_roles_of_a_row_and_an_admin_may_use_its_verb(row: Transition) -> None:
    flow = signed()
    others = {name for name, actor in ROLES.items() if actor.role and actor.role not in row.roles}
    others -= {name for name, actor in ROLES.items() if actor.role is Role.ADMIN and row.roles}
    others -= {name for name in others if ROLES[name].unit not in ("M01", "U01")}  # do not even see the ticket
    assert "auditor" in others
    for name in sorted(others):
        with refused("forbidden"):
            flow.act(name, row.verb)


@pytest.mark.parametrize("limit", ["1h", "5h"])
@pytest.mark.proves("dispatch.again.limit")
def test_after_an_accepted_return_the_institution_has_its_own_limit_to_dispatch_again(limit: str) -> None:
    flow = signed(**{"dispatch.again.limit": limit})
    flow.act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
    again = flow.snap.duties[-1]
    assert again.kind == "dispatch" and again.due_at - flow.at == timedelta(hours=int(limit[0]))
