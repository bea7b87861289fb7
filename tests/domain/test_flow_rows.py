"""What the rows of the table owe beside their state: replies, cards, letters at decent hours, rivals and repetitions."""

from datetime import datetime, timedelta

import pytest

from backend.domain.flow import Unchanged
from backend.domain.ticket import Grade, State
from tests.domain.flow_world import ZONE, Paper
from tests.domain.test_flow import INFORMED, RETURN, closed, refused, signed, unsatisfied


def reply_due(paper: Paper) -> datetime | None:
    """Until when a reply is owed, if one is."""
    return next((d.due_at for d in paper.snap.duties if d.kind == "reply" and d.met_at is None), None)


# -- the reply (A12)


def test_A12_a_reply_is_owed_by_the_closing_time_and_met_by_the_first_one() -> None:
    paper = signed()
    assert reply_due(paper) == paper.lead.close_due_at
    reply = next(d for d in paper.snap.duties if d.kind == "reply")
    assert reply.next_at is None and reply.start_at == paper.lead.dispatched_at
    paper.at = paper.lead.close_due_at
    assert paper.act("handler", "reply", text="已修复").outcome("reply") == ["timely"]


def test_A12_a_reply_may_have_a_limit_of_its_own() -> None:
    paper = signed(reply__limit="1d")
    assert reply_due(paper) == paper.lead.dispatched_at + timedelta(days=1)
    paper.later(days=1, seconds=1).act("handler", "reply", text="已修复")
    assert paper.outcome("reply") == ["late"]


@pytest.mark.parametrize("limit", ["close", "1d"])
def test_A12_an_extension_moves_the_reply_only_where_it_is_owed_with_the_closing(limit: str) -> None:
    paper = signed(reply__limit=limit)
    before, new = reply_due(paper), paper.lead.close_due_at + timedelta(days=1)
    paper.act("handler", "extend", new_due_at=new.isoformat(), reason="待配件", requester_informed=INFORMED)
    paper.act("reviewer", "decide_extension", accept=True)
    assert reply_due(paper) == (new if limit == "close" else before)


def test_A12_an_upgrade_makes_the_reply_due_with_the_closing() -> None:
    paper = signed().act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert reply_due(paper) == paper.lead.close_due_at == paper.at + timedelta(hours=24)


@pytest.mark.parametrize("way", ["return", "reassign", "cancel"])
def test_A12_who_need_not_close_need_not_reply(way: str) -> None:
    paper = signed()
    if way == "return":
        paper.act("handler", "return", **RETURN).act("reviewer", "decide_return", accept=True)
    elif way == "reassign":
        paper.act("dispatcher", "reassign", unit="U02")
    else:
        paper.act("dispatcher", "cancel", reason="撤回")
    assert paper.outcome("reply")[0] == "void"


def test_T22_a_reply_sent_back_as_empty_is_owed_again_A12() -> None:
    paper = closed().act("reviewer", "send_back", reason="答复为空")
    assert reply_due(paper) == paper.lead.close_due_at


# -- cards


def test_T16_no_card_and_no_auto_sign_before_the_hour_even_if_the_clock_looked_too_early() -> None:
    paper = Paper().act("dispatcher", "dispatch", unit="U01")
    paper.at = paper.lead.sign_due_at - timedelta(seconds=1)
    with refused("not_now"):
        paper.act("clock", "auto_sign")
    paper.act("handler", "sign")
    paper.at = paper.lead.close_due_at - timedelta(seconds=1)
    with refused("not_now"):
        paper.act("clock", "red_card")


def test_Q33_when_the_red_card_comes_is_a_setting() -> None:
    paper = signed(card__red_at="3h")
    due = paper.lead.close_due_at
    paper.at = due + timedelta(hours=2)
    with refused("not_now"):
        paper.act("clock", "red_card")
    paper.at = due + timedelta(hours=3)
    assert paper.act("clock", "red_card").lead.red_card_at == due + timedelta(hours=3)
    assert paper.act("handler", "close", text="已办", feedback="好").outcome("close") == ["late"]


def test_T21_a_card_waits_for_the_supervisor_where_the_explained_close_was_asked_in_time_Q30() -> None:
    for accept, card in ((True, None), (False, "due")):
        paper = signed()
        due = paper.lead.close_due_at
        paper.at = due
        paper.act("handler", "close", close_type="explained_unresolvable", text="已解释", explanation="政策所限")
        paper.later(hours=1)
        with refused("withheld"):
            paper.act("clock", "red_card")
        paper.act("supervisor", "decide_close", accept=accept, reason="理由")
        if card:
            paper.act("clock", "red_card")
        assert paper.lead.red_card_at == (due if card else None)
        assert paper.outcome("close") == (["late"] if card else ["timely"])


def test_T14_a_longer_limit_has_a_yellow_card_of_its_own_Q33() -> None:
    paper = signed().act("clock", "yellow_card")
    new = paper.lead.close_due_at + timedelta(days=2)
    paper.act("handler", "extend", new_due_at=new.isoformat(), reason="待配件", requester_informed=INFORMED)
    paper.act("reviewer", "decide_extension", accept=True)
    assert "yellow" not in paper.snap.ticket.flags
    assert "yellow" in paper.act("clock", "yellow_card").snap.ticket.flags


def test_Q32_a_card_is_taken_back_when_a_mass_incident_is_approved_and_its_proposal_outlives_the_unit() -> None:
    paper = signed().act("handler", "flag", mass_incident=True, reason="涉及百余户")
    paper.at = paper.lead.close_due_at
    assert paper.act("clock", "red_card").lead.red_card_at
    paper.act("reviewer", "decide_flag", accept=True)
    assert paper.lead.red_card_at is None and paper.snap.ticket.flags == {"mass_incident"}
    paper = signed().act("handler", "flag", mass_incident=True, reason="涉及百余户")
    paper.act("dispatcher", "reassign", unit="U02").act("reviewer", "decide_flag", accept=True)
    assert "mass_incident" in paper.snap.ticket.flags


def test_T9_the_next_unit_does_not_inherit_the_card_of_the_one_that_was_not_in_charge() -> None:
    paper = signed().act("handler", "return", **RETURN)
    paper.at = paper.lead.close_due_at
    paper.act("clock", "red_card").act("reviewer", "decide_return", accept=True)
    assert paper.snap.ticket.flags == frozenset() and paper.outcome("close") == ["void"]


def test_T11_what_was_late_stays_late_up_to_the_second_Q26() -> None:
    for late, outcome in ((0.5, "void"), (1, "late")):
        paper = Paper().act("dispatcher", "dispatch", unit="U01")
        paper.at = paper.lead.sign_due_at + timedelta(seconds=late)
        assert paper.act("dispatcher", "reassign", unit="U02").outcome("sign") == [outcome, None]


# -- letters at decent hours


def test_T7_an_urgent_ticket_signed_by_the_clock_is_told_to_the_leader_in_the_next_office_hour() -> None:
    paper = Paper(grade=Grade.URGENT)
    paper.at = datetime(2026, 11, 10, 21, 0, tzinfo=ZONE)
    paper.act("dispatcher", "dispatch", unit="U01")
    paper.told()
    paper.at = paper.lead.sign_due_at
    paper.act("clock", "auto_sign")
    told = {x.person: x.not_before for x in paper.messages if x.kind == "M7"}
    assert told.pop("B1") == datetime(2026, 11, 11, 8, 30, tzinfo=ZONE)
    assert told == dict.fromkeys(("H1", "H2", "L1"), paper.at)


@pytest.mark.parametrize(
    ("due", "delay", "leaves"),
    [
        ("2026-11-17T17:00:00+08:00", 2, "2026-11-17T17:00:02+08:00"),  # the closing instant still counts
        ("2026-11-17T17:00:00+08:00", 7200, "2026-11-18T08:30:00+08:00"),  # after an outage it does not
        ("2026-11-17T23:00:00+08:00", 2, "2026-11-18T08:30:00+08:00"),
    ],
)
def test_T16_a_general_red_card_is_told_in_office_hours(due: str, delay: int, leaves: str) -> None:
    paper = Paper().act("dispatcher", "dispatch", unit="U01", close_due_at=due).act("handler", "sign")
    paper.told()
    paper.at = datetime.fromisoformat(due).astimezone(ZONE) + timedelta(seconds=delay)
    paper.act("clock", "red_card")
    assert paper.lead.red_card_at == datetime.fromisoformat(due)
    assert {x.not_before for x in paper.messages if x.person == "H1"} == {datetime.fromisoformat(leaves)}


def test_Q28_an_upgrade_before_signing_is_announced_like_an_urgent_dispatch_A10() -> None:
    paper = Paper().act("dispatcher", "dispatch", unit="U01")
    paper.told()
    paper.act("dispatcher", "regrade", grade="urgent", reason="扬言")
    assert paper.told() == [("M2", "H1"), ("M2", "H2"), ("P1", "H1")]


def test_T27_rework_is_supervised_and_the_agent_learns_of_its_reply() -> None:
    paper = unsatisfied().act("reviewer", "rework", summary="路灯还是不亮")
    assert "supervised" in paper.snap.ticket.flags and paper.open() >= {"rework", "supervise"}
    paper.told()
    paper.act("handler", "reply", text="已再修")
    assert ("M25v", "V1") in paper.told() and paper.open() == {"revisit"}


# -- requests that lose their object


def test_B35_a_return_after_auto_sign_is_late_even_inside_a_longer_return_limit() -> None:
    paper = Paper(return__general__limit="3wd").act("dispatcher", "dispatch", unit="U01")
    paper.at = paper.lead.sign_due_at
    paper.act("clock", "auto_sign").later(minutes=1).act("handler", "return", **RETURN)
    assert paper.outcome("return") == ["late"]


def test_what_was_asked_about_a_ticket_that_ended_need_not_be_decided_T31() -> None:
    paper = signed().act("handler", "return", **RETURN).act("dispatcher", "cancel", reason="撤回")
    assert [r.decision for r in paper.snap.requests] == ["withdrawn"]
    paper = signed().act("handler", "close", close_type="explained_unresolvable", text="x", explanation="政策")
    paper.act("handler", "close", feedback="好", no_objection=True)
    assert [r.decision for r in paper.snap.requests] == ["withdrawn"] and paper.open() == {"revisit"}


def test_Q38_a_claim_is_decided_within_three_working_days() -> None:
    paper = unsatisfied().act("handler", "claim_unreasonable", reason="超出职权", files=["f1"])
    due = paper.snap.requests[-1].review_due_at
    assert due is not None and due == paper.snapshot.add_limit("3wd", paper.at, "M01")


def test_T18_an_order_nobody_answered_in_time_stays_late_when_the_supervisor_lets_it_rest() -> None:
    paper = signed().act("supervisor", "supervise", reason="媒体关注").later(days=5)
    assert paper.act("supervisor", "accept_progress", accept=True).outcome("supervise") == ["late"]


def test_an_assisting_units_affairs_never_touch_the_clocks_of_the_ticket_Q21() -> None:
    paper = signed().act("dispatcher", "assist", unit="U02").act("stranger", "sign")
    paper.act("stranger", "close", text="已配合", feedback="好")
    paper.act("handler", "close", text="已办", feedback="好")
    assist = next(a.id for a in paper.snap.assignments if not a.lead)
    paper.act("reviewer", "send_back", assignment=assist, reason="答复为空")
    assert paper.state is State.CLOSED and paper.snap.ticket.closed_at and paper.open() == {"revisit"}


def test_T26_a_rework_is_finalized_by_hand_only_after_its_own_visit() -> None:
    paper = unsatisfied().act("reviewer", "rework", summary="不亮").act("handler", "reply", text="已再修")
    with refused("visit_missing"):
        paper.act("reviewer", "finalize")


# -- rivals and repetitions


@pytest.mark.parametrize(
    ("first", "late"),
    [
        (("handler", "return", RETURN), ("deputy", "extend", {"reason": "待料", "requester_informed": INFORMED})),
        (("handler", "return", RETURN), ("deputy", "reply", {"text": "已办"})),
        (("handler", "return", RETURN), ("dispatcher", "reassign", {"unit": "U02"})),
        (("handler", "reply", {"text": "已办"}), ("deputy", "return", RETURN)),
        (("handler", "close", {"text": "已办", "feedback": "好"}), ("deputy", "contact", {"reached": True})),
        (("dispatcher", "cancel", {"reason": "撤回"}), ("handler", "reply", {"text": "已办"})),
    ],
)  # fmt: skip
def test_the_second_of_two_rivals_is_told_that_he_was_overtaken(first: tuple, late: tuple) -> None:  # type: ignore[type-arg]
    paper = signed()
    due = (paper.lead.close_due_at + timedelta(days=1)).isoformat()
    paper.act(first[0], first[1], **first[2])
    with refused("overtaken"):
        paper.act(late[0], late[1], **(late[2] | ({"new_due_at": due} if late[1] == "extend" else {})))


def test_what_the_state_never_allowed_is_not_now() -> None:
    with refused("not_now"):
        Paper().act("dispatcher", "dispatch", unit="U01").act("handler", "return", **RETURN)


def test_a_version_that_is_no_longer_the_newest_is_overtaken_even_where_the_state_would_allow_it() -> None:
    paper = signed()
    seen = paper.snap.ticket.version
    paper.act("deputy", "contact", reached=True)
    with refused("overtaken"):
        paper.act("handler", "reply", version=seen, text="已办")


@pytest.mark.parametrize(
    ("who", "verb", "words"),
    [
        ("dispatcher", "assist", {"unit": "U02"}), ("dispatcher", "reassign", {"unit": "U02"}),
        ("dispatcher", "regrade", {"grade": "urgent", "reason": "扬言"}), ("supervisor", "supervise", {"reason": "媒体"}),
        ("handler", "flag", {"mass_incident": True, "reason": "多户"}), ("handler", "contact", {"reached": False}),
        ("handler", "return", RETURN), ("handler", "report_progress", {"text": "已派人"}),
        ("handler", "close", {"text": "已办", "feedback": "好"}), ("dispatcher", "cancel", {"reason": "撤回"}),
        ("handler", "close", {"close_type": "explained_unresolvable", "text": "x", "explanation": "政策"}),
    ],
)  # fmt: skip
def test_the_winner_repeating_himself_changes_nothing(who: str, verb: str, words: dict[str, object]) -> None:
    paper = signed().act(who, verb, **words)
    with pytest.raises(Unchanged):
        paper.later(seconds=2).act(who, verb, **words)


def test_a_rework_repeated_without_a_date_is_the_same_rework() -> None:
    paper = unsatisfied().act("reviewer", "rework", summary="不亮")
    with pytest.raises(Unchanged):
        paper.act("reviewer", "rework", summary="不亮")
    with refused("not_now"):
        paper.act("reviewer", "rework", summary="还是不亮")


def test_the_same_words_an_hour_later_are_a_second_attempt() -> None:
    paper = signed().act("handler", "contact", reached=False).later(hours=1)
    paper.act("handler", "contact", reached=False)
    assert [p.entry.verb for p in paper.plans[-2:]] == ["contact", "contact"]


@pytest.mark.parametrize(
    ("day", "hour", "grade", "leaves"),
    [
        (14, 10, Grade.GENERAL, (16, 8, 30)),  # a Saturday morning
        (10, 12, Grade.GENERAL, (10, 13, 30)),  # the noon break
        (10, 10, Grade.GENERAL, None),
        (10, 22, Grade.GENERAL, (11, 8, 30)),
        (13, 23, Grade.GENERAL, (16, 8, 30)),  # Friday night
        (10, 23, Grade.URGENT, None),
    ],
)
def test_a_general_card_that_comes_outside_office_hours_waits_for_them(
    day: int, hour: int, grade: Grade, leaves: tuple[int, int, int] | None
) -> None:
    paper = Paper(grade=grade)
    paper.at = paper.at.replace(day=day, hour=hour)
    paper.act("dispatcher", "dispatch", unit="U01")
    card = next(x for x in paper.messages if x.kind in ("M1", "M2"))
    wanted = paper.at if leaves is None else paper.at.replace(day=leaves[0], hour=leaves[1], minute=leaves[2])
    assert card.not_before == wanted
