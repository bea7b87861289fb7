"""The state picture in docs/ is the transition table, drawn."""

from backend.domain.picture import picture
from backend.domain.table import ROWS
from backend.domain.ticket import State
from tests.house.source import ROOT


def test_the_picture_is_drawn_from_the_table() -> None:
    assert (ROOT / "docs" / "flow.mmd").read_text("utf-8") == picture(), "run `make picture`"


def test_every_verb_and_every_state_is_in_the_picture() -> None:
    drawn = picture()
    for row in ROWS:
        assert f"{row.verb} ({row.t})" in drawn
    # an assignment alone can be returned; the picture is the ticket's
    for state in set(State) - {State.RETURNED}:
        assert f" {state}" in drawn


def test_every_state_but_the_last_ones_leads_somewhere() -> None:
    last = {State.ARCHIVED, State.MERGED, State.CANCELLED, State.RETURNED}
    left = {source for row in ROWS if row.targets for source in row.sources}
    assert set(State) - left == last
    assert {target for row in ROWS for target in row.targets} | {State.REGISTERED, State.RETURNED} == set(State)
