"""A unit passes a ticket down the tree, and sees what is below it (A2, A5, A8, A28, XM2)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.acts import Actor
from backend.domain.decision import is_visible
from backend.domain.institutions import list_below, list_children
from backend.domain.records import Unit
from backend.domain.ticket_enums import Role, State, UnitKind
from tests.domain.move_world import Flow, build_snapshot, refused, signed

KINDS = ("entrust", "transfer")


def hand_on(flow: Flow, kind: str, unit: str = "U11", **more: object) -> Flow:
    return flow.act("handler", "hand_on", unit=unit, dispatch_kind=kind, **more)


def test_T5c_a_unit_entrusts_its_child_and_keeps_the_lead_each_with_its_clock_XM2() -> None:
    flow = hand_on(signed(), "entrust", reason="在该工会辖区")
    above, below = flow.snap.assignments
    assert (above.state, above.lead, above.ended_at) == (State.SIGNED, True, None) and flow.lead is above
    assert (below.unit, below.lead, below.state, below.close_due_at) == ("U11", False, "dispatched", above.close_due_at)
    owed = sorted(str(d.kind) for d in flow.snap.duties if d.assignment_id == below.id)
    assert owed == ["close", "sign"] and flow.state is State.SIGNED
    assert ("ticket_dispatched", "H7") in flow.take_messages()
    flow.act("handler_u11", "sign").act("handler_u11", "reply", text="已到户了解情况")
    flow.act("handler_u11", "close", feedback="已告知")
    assert flow.outcomes("close") == [None, "timely"] and flow.state is State.SIGNED
    assert ("part_closed", "H1") in flow.take_messages()


def test_T5c_a_unit_transfers_to_its_child_which_leads_under_the_same_closing_time_XM2() -> None:
    flow = signed().wait(hours=3)
    promised = flow.lead.close_due_at
    hand_on(flow, "transfer")
    above, below = flow.snap.assignments
    assert (above.state, above.ended_at) == (State.CANCELLED, flow.at) and flow.lead is below
    assert (below.lead, flow.state, below.close_due_at) == (True, State.DISPATCHED, promised)
    assert {"sign", "return", "contact", "reply", "close"} == flow.open_duties
    told = flow.take_messages()
    assert (
        ("ticket_dispatched", "H7") in told
        and ("assignment_withdrawn", "H2") in told
        and ("assignment_withdrawn", "H1") not in told
    )  # H1 did it
    assert flow.plans[-1].entry.arguments["from"] == "U01"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", ["U21", "U02", "U01", "M01", "N01", "X", "U03"])
def test_nothing_is_passed_to_a_unit_that_is_not_right_below_XM2(unit: str, kind: str) -> None:
    flow = signed()
    with refused("not_below"):
        hand_on(flow, kind, unit)
    assert len(flow.snap.assignments) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_child_has_no_more_time_than_the_unit_above_it_XM2(kind: str) -> None:
    flow = signed()
    due = flow.lead.close_due_at
    with refused("deadline_beyond"):
        hand_on(flow, kind, close_due_at=(due + timedelta(seconds=1)).isoformat())
    sooner = due - timedelta(days=1)
    hand_on(flow, kind, close_due_at=sooner.isoformat())
    assert flow.snap.assignments[-1].close_due_at == sooner


def test_what_is_overdue_cannot_be_given_away_but_help_may_be_asked_for_XM2() -> None:
    flow = signed()
    flow.at = flow.lead.close_due_at + timedelta(hours=1)
    with refused("deadline_past"):
        hand_on(flow, "transfer")
    hand_on(flow, "entrust")
    assert flow.snap.assignments[-1].close_due_at > flow.at and flow.lead.unit == "U01"


def test_a_child_that_has_it_already_is_not_given_it_twice_XM2() -> None:
    flow = hand_on(signed(), "entrust")
    flow.act("handler_u11", "sign")
    for kind in KINDS:
        with refused("already_there"):
            hand_on(flow, kind, reason="再次")


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_unit_that_has_signed_passes_it_down_and_no_child_passes_it_up_or_aside_XM2(kind: str) -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U01")
    with refused("not_now"):
        hand_on(flow, kind)
    flow = hand_on(signed(), "transfer").act("handler_u11", "sign")
    for unit in ("U01", "U21"):
        with refused("not_below"):
            flow.act("handler_u11", "hand_on", unit=unit, dispatch_kind=kind)
    with refused("not_found"):
        flow.act("handler_u02", "hand_on", unit="U21", dispatch_kind=kind)


@pytest.mark.parametrize(("unit", "triage"), [("U01", "agency"), ("N01", "own"), ("U11", "agency")])
def test_a_dispatch_records_the_triage_and_its_reason_A8_A30(unit: str, triage: str) -> None:
    words = Flow().act("dispatcher", "dispatch", unit=unit, reason="属其职责").plans[-1].entry.arguments
    assert (words["triage"], words["reason"]) == (triage, "属其职责")
    assert Flow().act("dispatcher", "answer", text="请拨打供电热线").plans[-1].entry.arguments["triage"] == "own"


@pytest.mark.proves("dispatch.requires_reason")
def test_an_office_may_demand_the_reason_of_the_triage_A8() -> None:
    with refused("reason_missing"):
        Flow(dispatch__requires_reason="true").act("dispatcher", "dispatch", unit="U01")
    Flow().act("dispatcher", "dispatch", unit="U01")


def test_a_unit_sees_its_childrens_tickets_but_no_siblings_and_no_confidential_ones_XM2() -> None:
    flow = Flow().act("dispatcher", "dispatch", unit="U11")
    tree = build_snapshot(frozenset())
    for unit, sees in (("U11", True), ("U01", True), ("U02", False), ("U21", False)):
        reader = Actor("Q", Role.LEADER, unit, below=tree.list_below(unit))
        assert is_visible(flow.snap, reader) is sees
    flow.act("admin", "flag", confidential=True, reason="实名举报")
    above = Actor("Q", Role.LEADER, "U01", below=tree.list_below("U01"))
    assert "confidential" in flow.ticket.flags and not is_visible(flow.snap, above)


TREES = st.dictionaries(st.sampled_from("ABCDEFG"), st.sampled_from("ABCDEFG") | st.none(), min_size=1)


@given(TREES)
def test_below_is_what_children_of_children_are_and_ends_even_in_a_circle_XM2(parents: dict[str, str | None]) -> None:
    units = {code: Unit(code, code, UnitKind.HANDLING, parent=parent) for code, parent in parents.items()}
    for code in units:
        expected: set[str] = set()
        for other in set(units) - {code}:
            seen, at = set(), units[other].parent
            while at in units and at not in seen and at != code:
                seen.add(at)
                at = units[at].parent
            if at == code:
                expected.add(other)
        assert list_below(units, code) == expected
        assert {u.code for u in list_children(units, code)} - {code} <= expected
