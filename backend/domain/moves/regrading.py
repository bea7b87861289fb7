"""升级、降级: a new grade moves every open duty; what became urgent is announced as urgent (Q28)."""

from backend.domain.move_table import HANDLING
from backend.domain.moves.dispatching import announce, announce_upgrade, is_reply_due_with_close
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Assignment, Duty, Request
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Grade, Obligation, State

#: Duties whose limits follow the grade; supervision and rework have limits of their own.
GRADED_DUTIES = (
    Obligation.DISPATCH, Obligation.SIGN, Obligation.RETURN, Obligation.CONTACT, Obligation.REPLY, Obligation.CLOSE,
    Obligation.REVIEW,
)  # fmt: skip
DUE_COLUMNS = {Obligation.SIGN: "sign_due_at", Obligation.CLOSE: "close_due_at"}


def regrade(m: PlanBuilder) -> None:
    """Q28: upgraded, the urgent limits run from now and the earlier due time wins; downgraded, the general ones run
    from the start and the later due time wins; what is late stays late."""
    grade = Grade(m.arguments["grade"])
    if grade is m.ticket.grade:
        raise Refused("same_grade", grade=grade)
    m.update_ticket(grade=grade)
    urgent = grade is Grade.URGENT
    for duty in m.open_duties(*GRADED_DUTIES):
        if duty.outcome is None and not _keeps_late_due(m, duty):
            _move_duty(m, duty, grade)
    for one in m.snapshot.assignments:
        if one.ended_at is not None:
            continue
        m.redraw.add(one.id)
        if urgent and one.state is State.DISPATCHED:
            announce(m, one, grade, m.ticket.category)
        elif urgent and one.state in HANDLING:
            announce_upgrade(m, one)


def _move_duty(m: PlanBuilder, duty: Duty, grade: Grade) -> None:
    urgent = grade is Grade.URGENT
    start = m.at if urgent else duty.start_at
    if duty.kind is Obligation.REVIEW:
        if duty.request_id is None or not _is_graded_review(m, duty.request_id):
            return
        due = m.office.add_limit(m.office.settings.text(f"review.{grade}.limit"), start, duty.unit)
    else:
        due = m.office.due(duty.kind, grade, m.ticket.category, start, duty.unit)
    due = min(due, duty.due_at) if urgent else max(due, duty.due_at)
    look = m.office.first_check(duty.kind, grade, start, due, duty.unit) if duty.check_at else None
    m.update_row(Duty, duty.id, due_at=due, grade=grade, check_at=look, reminder_step=0)
    if duty.kind in DUE_COLUMNS and duty.assignment_id is not None:
        m.update_row(Assignment, duty.assignment_id, **{DUE_COLUMNS[duty.kind]: due})
    if duty.kind is Obligation.REVIEW and duty.request_id is not None:
        m.update_row(Request, duty.request_id, review_due_at=due)


def _keeps_late_due(m: PlanBuilder, duty: Duty) -> bool:
    """Return whether this is a reply owed with the closing, which keeps its due time once the closing is late (A12)."""
    closing = m.open_duties(Obligation.CLOSE, assignment_id=duty.assignment_id)
    return duty.kind is Obligation.REPLY and is_reply_due_with_close(m) and any(d.outcome is not None for d in closing)


def _is_graded_review(m: PlanBuilder, request_id: int) -> bool:
    """Return whether the limit of that request's review depends on the grade (a claim has its own, Q38)."""
    return any(r.id == request_id and r.kind not in ("unreasonable", "appeal") for r in m.snapshot.requests)
