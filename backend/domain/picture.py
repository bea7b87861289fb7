"""Renders the move table as a mermaid state diagram: `python -m backend.domain.picture > docs/flow.mmd`."""

import sys
from collections.abc import Iterable, Iterator, Sequence

from backend.domain.table import ROWS, Row
from backend.domain.ticket import State

#: States in the order of the main path, then the side paths.
ORDER = {state: place for place, state in enumerate(State)}


def picture(rows: Sequence[Row] = ROWS) -> str:
    """Return the text of `docs/flow.mmd`: one arrow for each way from a state to another, labelled with its verbs.

    Verbs that do not change the state are listed in a note, with the states in which they are allowed.
    """
    lines = [
        "%% Drawn from backend/domain/table.py by `make picture`; tests/house keeps it true. Do not edit.",
        "stateDiagram-v2",
        "    direction LR",
        "    [*] --> registered: receive (T1)",
        *_arrows(rows),
        *_ends(rows),
        *_notes(rows),
    ]
    return "\n".join(lines) + "\n"


def _in_order(states: Iterable[State]) -> list[State]:
    return sorted(states, key=lambda state: ORDER[state])


def _arrows(rows: Sequence[Row]) -> Iterator[str]:
    said: dict[tuple[State, State], list[str]] = {}
    for row in rows:
        for source in row.sources:
            for target in row.targets - {source}:
                said.setdefault((source, target), []).append(f"{row.verb} ({row.t})")
    for source, target in sorted(said, key=lambda pair: (ORDER[pair[0]], ORDER[pair[1]])):
        yield f"    {source} --> {target}: {', '.join(said[source, target])}"


def _ends(rows: Sequence[Row]) -> Iterator[str]:
    reached = {target for row in rows for target in row.targets}
    left = {source for row in rows for source in row.sources if row.targets}
    for state in _in_order(reached - left):
        yield f"    {state} --> [*]"


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    yield "    note right of registered"
    yield "        Said without a change of state:"
    for row in rows:
        if not row.targets:
            states = " ".join(_in_order(row.sources))
            yield f"        {row.verb} ({row.t}) while {states}"
    yield "    end note"


if __name__ == "__main__":
    sys.stdout.write(picture())
