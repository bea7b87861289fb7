"""协办 units: a record of co-operation keeps what they did when the ticket no longer needs them (Q21)."""

from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Assignment
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import State


def require_lead(m: PlanBuilder) -> Assignment:
    """Return the lead unit's assignment: an assisting unit may not ask for what concerns the whole ticket.

    Raises Refused `not_lead`.
    """
    target = m.assignment
    if not target.lead:
        raise Refused("not_lead", unit=target.unit)
    return target


def release_assisting(m: PlanBuilder, state: State = State.FINALIZED, only: str | None = None) -> None:
    """End the assisting assignments (all, or `only` that unit's); their open duties are void unless late."""
    contributions = []
    for one in m.snapshot.assignments:
        if one.lead or one.ended_at is not None or (only is not None and one.unit != only):
            continue
        m.void_duties(assignment_id=one.id, keep_late=True)
        m.update_row(Assignment, one.id, state=state, version=one.version + 1, ended_at=m.at)
        m.redraw.add(one.id)
        contributions.append(_describe_contribution(one))
    if contributions:
        m.entry_arguments["assisted"] = contributions


def _describe_contribution(one: Assignment) -> dict[str, object]:
    """Return what a unit contributed: whether it signed itself, reached the requester, replied, finished its part."""
    return {
        "unit": one.unit, "signed": one.sign_method or "no", "contacted": one.contacted_at is not None,
        "replied": one.replied_at is not None, "finished": one.closed_at is not None,
    }  # fmt: skip
