"""Renders the move table as a mermaid state diagram: `python -m backend.domain.state_diagram > docs/flow.mmd`."""

import sys
from collections.abc import Iterable, Iterator, Sequence

from backend.domain.move_table import TRANSITIONS, Transition
from backend.domain.ticket_enums import State

#: States in the order of the main path, then the side paths.
STATE_ORDER = {state: place for place, state in enumerate(State)}


def render_diagram(rows: Sequence[Transition] = TRANSITIONS) -> str:
    """Return the text of `docs/flow.mmd`: one arrow for each way from a state to another, labelled with its verbs.

    Verbs that do not change the state are listed in a note, with the states in which they are allowed.
    """
    lines = [
        "%% Generated from backend/domain/move_table.py by `make picture`; tests/house compares them. Do not edit.",
        "stateDiagram-v2",
        "    direction LR",
        "    [*] --> registered: create (T1)",
        *_arrows(rows),
        *_ends(rows),
        *_notes(rows),
    ]
    return "\n".join(lines) + "\n"


def _in_order(states: Iterable[State]) -> list[State]:
    return sorted(states, key=lambda state: STATE_ORDER[state])


def _arrows(rows: Sequence[Transition]) -> Iterator[str]:
    verbs: dict[tuple[State, State], list[str]] = {}
    for row in rows:
        for source in row.from_states:
            for target in row.to_states - {source}:
                verbs.setdefault((source, target), []).append(f"{row.verb} ({row.tag})")
    for source, target in sorted(verbs, key=lambda pair: (STATE_ORDER[pair[0]], STATE_ORDER[pair[1]])):
        yield f"    {source} --> {target}: {', '.join(verbs[source, target])}"


def _ends(rows: Sequence[Transition]) -> Iterator[str]:
    reached = {target for row in rows for target in row.to_states}
    left = {source for row in rows for source in row.from_states if row.to_states}
    for state in _in_order(reached - left):
        yield f"    {state} --> [*]"


def _notes(rows: Sequence[Transition]) -> Iterator[str]:
    yield "    note right of registered"
    yield "        Said without a change of state:"
    for row in rows:
        if not row.to_states:
            states = " ".join(_in_order(row.from_states))
            yield f"        {row.verb} ({row.tag}) while {states}"
    yield "    end note"


if __name__ == "__main__":
    sys.stdout.write(render_diagram())
