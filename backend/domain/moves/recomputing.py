"""Gives open duties the due time of a changed calendar or limit (readings §4); met duties and cards stay."""

from backend.domain.mover import Mover
from backend.domain.records import Assignment, Duty
from backend.domain.refusals import Refused
from backend.domain.ticket import Obligation

#: Duties whose due time is stored on the assignment too.
COLUMNS = {Obligation.SIGN: "sign_due_at", Obligation.CLOSE: "close_due_at"}


def recompute(m: Mover) -> None:
    """Recompute the whole ticket in one move; the journal keeps old and new due times, and who ordered it. Refused
    `not_now` if no duty of it is open any more."""
    changes = []
    for duty in m.duties():
        due = m.words["dues"].get(duty.id)
        if due is None or duty.outcome is not None or due == duty.due_at:
            continue
        look = None
        if duty.next_at is not None:
            look = max(m.world.now, m.world.first_look(duty.kind, duty.grade, duty.start_at, due, duty.unit))
            if duty.kind is Obligation.REVISIT:
                look = duty.next_at
        m.change(Duty, duty.id, due_at=due, next_at=look)
        column = COLUMNS.get(duty.kind)
        if column is not None and duty.assignment_id is not None:
            m.change(Assignment, duty.assignment_id, **{column: due})
            m.redraw.add(duty.assignment_id)
        changes.append({"kind": str(duty.kind), "from": duty.due_at.isoformat(), "to": due.isoformat()})
    if not changes:
        raise Refused("not_now", state=m.ticket.state)
    m.line_words["dues"] = changes
