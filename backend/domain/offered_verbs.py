"""Which verbs a person is offered on a ticket now, and about which of its assignments; `decision.py` decides the act."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from backend.domain.acts import Actor, Snapshot
from backend.domain.move_table import BY_VERB, TRANSITIONS, Transition, is_allowed
from backend.domain.records import Assignment, Ticket
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Answer, Obligation
from backend.domain.verb_fields import PROPOSED_FLAGS

#: Verbs that answer a flag, → the flag; offered only while it is raised.
FLAG_VERBS: Mapping[str, str] = {"accept_progress": "supervised"}
#: Verbs that decide a request, → its kinds; offered only while one waits.
REQUEST_VERBS: Mapping[str, frozenset[str]] = {
    "decide_extension": frozenset({"extension"}),
    "decide_close": frozenset({"explained_close"}),
    "decide_flag": frozenset(PROPOSED_FLAGS),
}
#: Verbs offered only after a final 不满意 (T27-T29).
DISSATISFIED_VERBS = ("rework", "claim_unreasonable", "appeal")


def select_assignment(ticket: Ticket, assignments: Sequence[Assignment], actor: Actor) -> Assignment | None:
    """Return the assignment that concerns a person: their unit's newest (an open one first), else the lead."""
    if actor.is_unit_member:
        own = [a for a in assignments if a.unit == actor.unit]
        living = [a for a in own if a.ended_at is None]
        return (living or own)[-1] if own else None
    return next((a for a in assignments if a.id == ticket.lead_id), None)


def list_offered(
    ticket: Ticket, assignments: Sequence[Assignment], actor: Actor, pending: Collection[str] = ()
) -> list[str]:
    """Return the verbs this person may use on this ticket now, in the table's order.

    `pending` are the kinds of requests that wait for a decision.
    """
    target = select_assignment(ticket, assignments, actor)
    return [
        row.verb
        for row in TRANSITIONS
        if is_allowed(actor.role, row.verb)
        and _is_open(row, ticket, target)
        and (row.verb not in FLAG_VERBS or FLAG_VERBS[row.verb] in ticket.flags)
        and (row.verb not in REQUEST_VERBS or REQUEST_VERBS[row.verb] & set(pending))
        and (row.verb not in DISSATISFIED_VERBS or ticket.final_answer == Answer.UNSATISFIED)
    ]


def _is_open(row: Transition, ticket: Ticket, target: Assignment | None) -> bool:
    """Return whether the table lets this verb start from the state of the ticket, or of its living assignment."""
    if not row.on_assignment:
        return ticket.state in row.from_states
    return target is not None and target.ended_at is None and target.state in row.from_states


def is_possible(assignment: Assignment, verb: str) -> bool:
    """Return whether the table lets this verb start from the assignment's present state."""
    return assignment.ended_at is None and assignment.state in BY_VERB[verb].from_states


def check_offered(snap: Snapshot, assignment: Assignment, actor: Actor, verb: str) -> None:
    """Check role and state before a question is asked. Refused `forbidden`, `overtaken`, `not_now`."""
    if not is_allowed(actor.role, verb):
        raise Refused("forbidden", verb=verb)
    if is_possible(assignment, verb):
        return
    last, facts = snap.last_entry, {"state": str(assignment.state)}
    early = assignment.state.is_unsigned and assignment.ended_at is None  # not signed: nobody else acted first
    if last is not None and last.by != actor.code and not early:
        raise Refused("overtaken", by=last.by, at=last.at.isoformat(), **facts)
    raise Refused("not_now", **facts)


def is_late_for_return(snap: Snapshot, assignment: Assignment, now: datetime) -> bool:
    """Return whether a return would now count as late (B35, Q26), as `moves.reviews.return_` counts it."""
    if assignment.sign_method == "auto":
        return True
    window = next(
        (
            d
            for d in snap.duties
            if d.kind is Obligation.RETURN and d.assignment_id == assignment.id and d.met_at is None
        ),
        None,
    )
    return now.replace(microsecond=0) > (window.due_at if window else assignment.sign_due_at)
