"""升级、降级: a new grade moves every open duty; what became urgent is announced as urgent (Q28)."""

from backend.domain.mover import Mover
from backend.domain.moves.sending import announce, announce_upgrade, with_close
from backend.domain.records import Assignment, Duty, Request
from backend.domain.refusals import Refused
from backend.domain.table import HANDLING
from backend.domain.ticket import Grade, Obligation, State

#: Duties whose limits follow the grade; supervision and rework have limits of their own.
MOVED = (
    Obligation.DISPATCH, Obligation.SIGN, Obligation.RETURN, Obligation.CONTACT, Obligation.REPLY, Obligation.CLOSE,
    Obligation.REVIEW,
)  # fmt: skip
COLUMN = {Obligation.SIGN: "sign_due_at", Obligation.CLOSE: "close_due_at"}


def regrade(m: Mover) -> None:
    """Q28: upgraded, the urgent limits run from now and the earlier due time wins; downgraded, the general ones run
    from the start and the later due time wins; what is late stays late."""
    grade = Grade(m.words["grade"])
    if grade is m.ticket.grade:
        raise Refused("same_grade", grade=grade)
    m.on_ticket(grade=grade)
    urgent = grade is Grade.URGENT
    for duty in m.duties(*MOVED):
        if duty.outcome is None and not _stays_late(m, duty):
            _move(m, duty, grade)
    for one in m.snap.assignments:
        if one.ended_at is not None:
            continue
        m.redraw.add(one.id)
        if urgent and one.state is State.DISPATCHED:
            announce(m, one, grade, m.ticket.category)
        elif urgent and one.state in HANDLING:
            announce_upgrade(m, one)


def _move(m: Mover, duty: Duty, grade: Grade) -> None:
    urgent = grade is Grade.URGENT
    start = m.at if urgent else duty.start_at
    if duty.kind is Obligation.REVIEW:
        if duty.request_id is None or not _by_grade(m, duty.request_id):
            return
        due = m.world.later(m.world.rules.text(f"review.{grade}.limit"), start, duty.unit)
    else:
        due = m.world.due(duty.kind, grade, m.ticket.category, start, duty.unit)
    due = min(due, duty.due_at) if urgent else max(due, duty.due_at)
    look = m.world.first_look(duty.kind, grade, start, due, duty.unit) if duty.next_at else None
    m.change(Duty, duty.id, due_at=due, grade=grade, next_at=look, step=0)
    if duty.kind in COLUMN and duty.assignment_id is not None:
        m.change(Assignment, duty.assignment_id, **{COLUMN[duty.kind]: due})
    if duty.kind is Obligation.REVIEW and duty.request_id is not None:
        m.change(Request, duty.request_id, review_due_at=due)


def _stays_late(m: Mover, duty: Duty) -> bool:
    """Return whether this is a reply owed with the closing, which keeps its due time once the closing is late (A12)."""
    closing = m.duties(Obligation.CLOSE, assignment_id=duty.assignment_id)
    return duty.kind is Obligation.REPLY and with_close(m) and any(d.outcome is not None for d in closing)


def _by_grade(m: Mover, request_id: int) -> bool:
    """Return whether the limit of that request's review depends on the grade (a claim has its own, Q38)."""
    return any(r.id == request_id and r.kind not in ("unreasonable", "appeal") for r in m.snap.requests)
