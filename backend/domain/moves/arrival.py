"""Effects on a ticket that has no unit yet, or needs none: accept, answer, cancel (T2, T3, T31)."""

from backend.domain.channels import check_channel
from backend.domain.moves.assisting import release_assisting
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Assignment
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade, Obligation, Role, State


def answer(m: PlanBuilder) -> None:
    """T2 直接答复: answered at once; counts as accepted. If it was never dispatched, it needed no dispatch (Q17)."""
    m.entry_arguments["triage"] = "own"  # A8
    release_assisting(m)
    m.void_duties(Obligation.DISPATCH)
    m.withdraw_requests()
    m.update_ticket(requires_dispatch=bool(m.snapshot.assignments), closed_at=m.at)
    m.move_ticket_to(State.FINALIZED)


def accept(m: PlanBuilder) -> None:
    """T3 审核通过: complete, or completed by the person who accepts it; the dispatch duty runs from generated_at (B16)."""
    ticket = m.ticket
    required = {"category": ticket.category, "grade": ticket.grade, "channel": ticket.channel, "text": ticket.text}
    added = {name: m.arguments[name] for name in required if m.arguments.get(name)}
    check_channel(added.get("channel"), m.office.settings.strings("ticket.channels"))
    for name, known in required.items():
        if not (added.get(name) or known):
            raise Refused("fields_missing", field=name)
    if added:
        m.update_ticket(**added)
    m.move_ticket_to(State.PENDING_DISPATCH)
    start_dispatch_duty(
        m, Grade(added.get("grade") or m.ticket.grade), Category(added.get("category") or str(m.ticket.category))
    )


def start_dispatch_duty(m: PlanBuilder, grade: Grade, category: Category) -> None:
    """Start the institution's duty to dispatch: 12 h, or 2 h if urgent, from generated_at."""
    ticket = m.ticket
    due = m.office.due(Obligation.DISPATCH, grade, category, ticket.generated_at, ticket.management)
    m.start_duty(Obligation.DISPATCH, due, start=ticket.generated_at, unit=ticket.management)


def cancel(m: PlanBuilder) -> None:
    """T31 撤销: withdrawn by the requester or entered by mistake; all duties void, handlers notified (M12)."""
    m.void_duties()
    m.withdraw_requests()
    for assignment in m.snapshot.assignments:
        if assignment.ended_at is None:
            m.update_row(
                Assignment,
                assignment.id,
                state=State.CANCELLED,
                version=assignment.version + 1,
                ended_at=m.at,
            )
            m.redraw.add(assignment.id)
            holders = m.office.people(assignment.unit, Role.HANDLER)
            m.notify("assignment_withdrawn", holders, assignment=assignment, how="withdrawn")
    m.to_state = State.CANCELLED
    m.update_ticket(state=State.CANCELLED)
