"""A unit may object to its red card once; another person decides (Q33)."""

from datetime import timedelta

import pytest

from tests.domain.move_world import Flow, refused, signed


def carded(**settings: str) -> Flow:
    """Return a signed ticket that has just been given its red card."""
    flow = signed(**settings)
    flow.at = flow.lead.close_due_at
    flow.act("clock", "red_card")
    flow.take_messages()
    return flow


def test_an_objection_upheld_takes_the_card_back_and_the_closing_stays_late() -> None:
    flow = carded().act("handler", "object", reason="已在期限内答复")
    assert (
        flow.take_messages() == [("review_requested", "R1"), ("review_requested", "R2")]
        and flow.lead.red_card_at is not None
    )
    flow.act("reviewer", "decide_objection", accept=True)
    assert flow.lead.red_card_at is None and "red" not in flow.ticket.flags
    assert flow.outcomes("close") == ["late"]
    assert ("objection_decided", "H1") in flow.take_messages()
    with refused("already_there"):
        flow.act("clock", "red_card")


def test_an_objection_refused_needs_its_reason_and_the_card_stands() -> None:
    flow = carded().act("handler", "object", reason="已在期限内答复")
    with refused("reason_missing"):
        flow.act("reviewer", "decide_objection", accept=False)
    flow.act("reviewer", "decide_objection", accept=False, reason="答复在期限之后")
    assert flow.lead.red_card_at is not None and "red" in flow.ticket.flags
    with refused("already_asked"):
        flow.act("handler", "object", reason="再说一遍")


def test_without_a_red_card_there_is_nothing_to_object_to() -> None:
    with refused("nothing_to_object"):
        signed().act("handler", "object", reason="没有道理")


@pytest.mark.parametrize(("window", "days", "accepted"), [("3wd", 2, True), ("3wd", 7, False), ("1wd", 4, False)])
def test_the_window_of_an_objection_is_a_setting(window: str, days: int, accepted: bool) -> None:
    flow = carded(appeal_window=window).wait(days=days)
    if accepted:
        flow.act("handler", "object", reason="已在期限内答复")
        return
    with refused("window_closed"):
        flow.act("handler", "object", reason="已在期限内答复")


def test_a_hard_case_named_by_a_unit_is_sent_to_dispatchers_and_supervisors() -> None:
    flow = signed()
    flow.take_messages()
    flow.act("handler", "flag", hard_case=True, reason="职责交叉")
    assert flow.take_messages() == [("coordination_requested", "D1"), ("coordination_requested", "S1")]
    assert "hard_case" in flow.ticket.flags


def test_an_explanation_without_a_supervision_is_sent_to_the_supervisors_as_one() -> None:
    flow = signed()
    flow.take_messages()
    flow.wait(hours=1).act("handler", "report_progress", text="等待配件")
    assert flow.take_messages() == [("unit_explained", "S1")]
    flow.act("supervisor", "supervise", reason="超期", due_at=flow.at + timedelta(days=1))
    flow.take_messages()
    flow.act("handler", "report_progress", text="配件已到")
    assert flow.take_messages() == [("progress_reported", "S1")]
