"""三次联系不上 (B46): whether call attempts prove that none of the people who must be reachable could be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain import retry
from backend.domain.ticket_enums import Role

#: How many attempts, how far apart, and to whom: 分管领导 and 联络员.
MIN_ATTEMPTS = 3
MIN_GAP = timedelta(minutes=10)
REQUIRED_ROLES = frozenset({Role.LEADER, Role.LIAISON})
#: Calls in vain after which a requester counts as unreachable (B49's exemption), as for units in B46.
EXEMPT_AFTER = MIN_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Attempt:
    """One judged attempt about an urgent ticket; `outcome` as in contract §5."""

    id: int
    at: datetime
    role: Role | None
    outcome: str


def find_proof(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Return the attempts that prove it, oldest first; empty if they do not.

    An attempt counts if it rang in vain – no carrier failure, no machine – at least `APART` after the last one counted;
    both the leader and the liaison must be among them. If either of them answered, there is no proof (B46).
    """
    relevant = sorted((a for a in attempts if a.role in REQUIRED_ROLES), key=lambda a: (a.at, a.id))
    if any(retry.was_answered(a.outcome) for a in relevant):
        return ()
    counted: list[Attempt] = []
    for one in relevant:
        if retry.proves_unreachable(one.outcome) and (not counted or one.at - counted[-1].at >= MIN_GAP):
            counted.append(one)
    enough = len(counted) >= MIN_ATTEMPTS and {a.role for a in counted} == REQUIRED_ROLES
    return tuple(counted) if enough else ()
