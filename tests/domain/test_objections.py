"""A unit that does not agree with its red card says why; another person decides, once (Q33, M8)."""

from datetime import timedelta

import pytest

from tests.domain.flow_world import Paper
from tests.domain.test_flow import refused, signed


def carded(**settings: str) -> Paper:
    """A signed ticket that has just been given its red card."""
    paper = signed(**settings)
    paper.at = paper.lead.close_due_at
    paper.act("clock", "red_card")
    paper.told()
    return paper


def test_an_objection_upheld_takes_the_card_back_and_the_closing_stays_late() -> None:
    paper = carded().act("handler", "object", reason="已在期限内答复")
    assert paper.told() == [("M9r", "R1"), ("M9r", "R2")] and paper.lead.red_card_at is not None
    paper.act("reviewer", "decide_objection", accept=True)
    assert paper.lead.red_card_at is None and "red" not in paper.snap.ticket.flags
    assert paper.outcome("close") == ["late"]
    assert ("M8d", "H1") in paper.told()
    with refused("already_there"):
        paper.act("clock", "red_card")


def test_an_objection_refused_needs_its_reason_and_the_card_stands() -> None:
    paper = carded().act("handler", "object", reason="已在期限内答复")
    with refused("reason_missing"):
        paper.act("reviewer", "decide_objection", accept=False)
    paper.act("reviewer", "decide_objection", accept=False, reason="答复在期限之后")
    assert paper.lead.red_card_at is not None and "red" in paper.snap.ticket.flags
    with refused("already_asked"):
        paper.act("handler", "object", reason="再说一遍")


def test_without_a_red_card_there_is_nothing_to_object_to() -> None:
    with refused("nothing_to_object"):
        signed().act("handler", "object", reason="没有道理")


@pytest.mark.parametrize(("window", "days", "taken"), [("3wd", 2, True), ("3wd", 7, False), ("1wd", 4, False)])
def test_the_window_of_an_objection_is_a_setting(window: str, days: int, taken: bool) -> None:
    paper = carded(appeal_window=window).later(days=days)
    if taken:
        paper.act("handler", "object", reason="已在期限内答复")
        return
    with refused("window_closed"):
        paper.act("handler", "object", reason="已在期限内答复")


def test_a_hard_case_named_by_the_unit_reaches_those_who_bring_units_together() -> None:
    paper = signed()
    paper.told()
    paper.act("handler", "flag", hard_case=True, reason="职责交叉")
    assert paper.told() == [("M29", "D1"), ("M29", "S1")]
    assert "hard_case" in paper.snap.ticket.flags


def test_an_explanation_without_an_order_reaches_the_supervisors_as_what_it_is() -> None:
    paper = signed()
    paper.told()
    paper.later(hours=1).act("handler", "report_progress", text="等待配件")
    assert paper.told() == [("M16e", "S1")]
    paper.act("supervisor", "supervise", reason="超期", due_at=paper.at + timedelta(days=1))
    paper.told()
    paper.act("handler", "report_progress", text="配件已到")
    assert paper.told() == [("M16r", "S1")]
