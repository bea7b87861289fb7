"""The state picture in docs/ is the transition table, drawn."""

from backend.domain.move_table import TRANSITIONS
from backend.domain.state_diagram import render_diagram
from backend.domain.ticket import State
from tests.house.source import ROOT


def test_the_picture_is_drawn_from_the_table() -> None:
    assert (ROOT / "docs" / "flow.mmd").read_text("utf-8") == render_diagram(), "run `make picture`"


def test_every_verb_and_every_state_is_in_the_picture() -> None:
    drawn = render_diagram()
    for row in TRANSITIONS:
        assert f"{row.verb} ({row.tag})" in drawn
    # an assignment alone can be returned; the picture is the ticket's
    for state in set(State) - {State.RETURNED}:
        assert f" {state}" in drawn


def test_every_state_but_the_last_ones_leads_somewhere() -> None:
    last = {State.ARCHIVED, State.MERGED, State.CANCELLED, State.RETURNED}
    left = {source for row in TRANSITIONS if row.to_states for source in row.from_states}
    assert set(State) - left == last
    assert {target for row in TRANSITIONS for target in row.to_states} | {State.REGISTERED, State.RETURNED} == set(
        State
    )
