"""Two who act on a ticket at once: who is overtaken, and who only repeats themselves (FT15)."""

from datetime import timedelta

import pytest

from backend.domain.decision import Unchanged
from tests.domain.move_world import INFORMED, RETURN, Flow, refused, signed, unsatisfied

RoleAct = tuple[str, str, dict[str, object]]


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
def test_the_second_of_two_who_act_at_once_is_refused_as_overtaken(first: RoleAct, late: RoleAct) -> None:
    flow = signed()
    due = (flow.lead.close_due_at + timedelta(days=1)).isoformat()
    flow.act(first[0], first[1], **first[2])
    with refused("overtaken"):
        flow.act(late[0], late[1], **(late[2] | ({"new_due_at": due} if late[1] == "extend" else {})))


def test_an_act_the_state_never_allowed_is_refused_as_not_now() -> None:
    with refused("not_now"):
        Flow().act("dispatcher", "dispatch", unit="U01").act("handler", "return", **RETURN)


def test_an_act_on_an_old_version_is_overtaken_even_where_the_state_would_allow_it() -> None:
    flow = signed()
    seen = flow.ticket.version
    flow.act("deputy", "contact", reached=True)
    with refused("overtaken"):
        flow.act("handler", "reply", version=seen, text="已办")


@pytest.mark.parametrize(
    ("role", "verb", "arguments"),
    [
        ("dispatcher", "assist", {"unit": "U02"}), ("dispatcher", "reassign", {"unit": "U02"}),
        ("dispatcher", "regrade", {"grade": "urgent", "reason": "扬言"}), ("supervisor", "supervise", {"reason": "媒体"}),
        ("handler", "flag", {"mass_incident": True, "reason": "多户"}), ("handler", "contact", {"reached": False}),
        ("handler", "return", RETURN), ("handler", "report_progress", {"text": "已派人"}),
        ("handler", "close", {"text": "已办", "feedback": "好"}), ("dispatcher", "cancel", {"reason": "撤回"}),
        ("handler", "close", {"close_type": "explained_unresolvable", "text": "x", "explanation": "政策"}),
    ],
)  # fmt: skip
def test_the_same_act_repeated_by_the_same_person_changes_nothing(
    role: str, verb: str, arguments: dict[str, object]
) -> None:
    flow = signed().act(role, verb, **arguments)
    with pytest.raises(Unchanged):
        flow.wait(seconds=2).act(role, verb, **arguments)


def test_a_rework_repeated_without_a_date_is_the_same_rework() -> None:
    flow = unsatisfied().act("reviewer", "rework", summary="不亮")
    with pytest.raises(Unchanged):
        flow.act("reviewer", "rework", summary="不亮")
    with refused("not_now"):
        flow.act("reviewer", "rework", summary="还是不亮")


def test_the_same_contact_an_hour_later_is_a_second_attempt() -> None:
    flow = signed().act("handler", "contact", reached=False).wait(hours=1)
    flow.act("handler", "contact", reached=False)
    assert [p.entry.verb for p in flow.plans[-2:]] == ["contact", "contact"]


def test_the_signer_may_sign_again_without_effect_and_a_colleague_is_overtaken() -> None:
    flow = signed().act("deputy", "contact", reached=True).wait(hours=1)
    with pytest.raises(Unchanged):
        flow.act("handler", "sign")
    with refused("overtaken") as late:
        flow.act("deputy", "sign")
    assert (late.value.facts["by"], late.value.facts["state"]) == ("H1", "signed")


def test_the_same_reply_twice_changes_nothing_and_a_different_reply_is_refused() -> None:
    flow = signed().act("handler", "reply", text="已修复")
    with pytest.raises(Unchanged):
        flow.act("handler", "reply", text="已修复")
    with refused("not_now"):
        flow.act("handler", "reply", text="另一个答复")
