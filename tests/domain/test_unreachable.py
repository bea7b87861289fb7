"""三次联系不上: which attempts prove that a unit cannot be reached, and which do not (B46)."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.ticket_enums import Role
from backend.domain.unreachable import Attempt, find_proof

START = datetime(2026, 11, 9, 1, tzinfo=UTC)
L, B, H = Role.LIAISON, Role.LEADER, Role.HANDLER


def build_attempts(*rows: tuple[int, Role, str]) -> list[Attempt]:
    """Build attempts from (minute, role, outcome)."""
    return [Attempt(n, START + timedelta(minutes=m), role, outcome) for n, (m, role, outcome) in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "counted"),
    [
        ([(0, L, "no_answer"), (10, L, "busy"), (20, B, "no_answer")], [0, 1, 2]),
        ([(0, L, "no_answer"), (5, L, "no_answer"), (10, L, "no_answer"), (20, B, "busy")], [0, 2, 3]),
        ([(0, L, "no_answer"), (10, L, "no_answer"), (20, L, "no_answer")], []),  # the leader was never tried
        ([(0, L, "no_answer"), (9, L, "no_answer"), (18, B, "no_answer")], []),  # too close together
        ([(0, L, "no_answer"), (10, L, "carrier_failed"), (20, B, "no_answer")], []),
        ([(0, L, "no_answer"), (10, L, "machine"), (20, B, "failed")], []),
        ([(0, H, "no_answer"), (10, L, "no_answer"), (20, B, "no_answer")], []),  # a handler is not among them
        ([(0, L, "no_answer"), (10, L, "no_answer"), (20, B, "no_answer"), (25, B, "confirmed")], []),
        ([], []),
    ],
)
def test_three_spaced_failed_attempts_that_include_liaison_and_leader_are_the_proof(
    rows: list[tuple[int, Role, str]], counted: list[int]
) -> None:
    assert [a.id for a in find_proof(build_attempts(*rows))] == counted
    assert [a.id for a in find_proof(build_attempts(*rows)[::-1])] == counted, (
        "the order they are given in does not matter"
    )
