"""docs/flow.mmd is the diagram of the move table as it is."""

from backend.domain.move_table import TRANSITIONS
from backend.domain.state_diagram import render_diagram
from backend.domain.ticket_enums import State
from tests.house.source import ROOT


def test_the_diagram_is_up_to_date() -> None:
    assert (ROOT / "docs" / "flow.mmd").read_text("utf-8") == render_diagram(), "run `make picture`"


def test_every_verb_and_every_state_is_in_the_diagram() -> None:
    diagram = render_diagram()
    for row in TRANSITIONS:
        assert f"{row.verb} ({row.tag})" in diagram
    # only an assignment can be returned; the diagram is of tickets
    for state in set(State) - {State.RETURNED}:
        assert f" {state}" in diagram


def test_every_state_but_the_final_ones_leads_to_another() -> None:
    final = {State.ARCHIVED, State.MERGED, State.CANCELLED, State.RETURNED}
    left = {source for row in TRANSITIONS if row.to_states for source in row.from_states}
    assert set(State) - left == final
    assert {target for row in TRANSITIONS for target in row.to_states} | {State.REGISTERED, State.RETURNED} == set(
        State
    )
