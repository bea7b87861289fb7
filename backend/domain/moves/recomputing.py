"""Gives open duties the due time of a changed calendar or limit (readings §4); met duties and cards stay."""

from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Assignment, Duty
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Obligation

#: Duties whose due time is stored on the assignment too.
DUE_COLUMNS = {Obligation.SIGN: "sign_due_at", Obligation.CLOSE: "close_due_at"}


def recompute(m: PlanBuilder) -> None:
    """Recompute the whole ticket in one move; the journal keeps old and new due times, and who ordered it. Refused
    `not_now` if no duty of it is open any more."""
    changes = []
    for duty in m.open_duties():
        due = m.arguments["dues"].get(duty.id)
        if due is None or duty.outcome is not None or due == duty.due_at:
            continue
        look = None
        if duty.check_at is not None:
            look = max(m.now, m.office.first_check(duty.kind, duty.grade, duty.start_at, due, duty.unit))
            if duty.kind is Obligation.REVISIT:
                look = duty.check_at
        m.update_row(Duty, duty.id, due_at=due, check_at=look)
        column = DUE_COLUMNS.get(duty.kind)
        if column is not None and duty.assignment_id is not None:
            m.update_row(Assignment, duty.assignment_id, **{column: due})
            m.redraw.add(duty.assignment_id)
        changes.append({"kind": str(duty.kind), "from": duty.due_at.isoformat(), "to": due.isoformat()})
    if not changes:
        raise Refused("not_now", state=m.ticket.state)
    m.entry_arguments["dues"] = changes
