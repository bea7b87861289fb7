"""Effects on a ticket that has no unit yet, or needs none: accept, answer, cancel (T2, T3, T31)."""

from backend.domain.mover import Mover
from backend.domain.moves.assisting import release
from backend.domain.records import Assignment
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Grade, Obligation, Role, State

#: Fields a ticket needs before it can be dispatched (T3).
COMPLETE = ("category", "grade", "channel", "text")


def answer(m: Mover) -> None:
    """T2 直接答复: answered at once; counts as accepted. If it was never dispatched, it needed no dispatch (Q17)."""
    release(m)
    m.void(Obligation.DISPATCH)
    m.withdraw()
    m.on_ticket(requires_dispatch=bool(m.snap.assignments), closed_at=m.at)
    m.ticket_to(State.FINALIZED)


def accept(m: Mover) -> None:
    """T3 审核通过: complete, or completed by the person who accepts it; the dispatch duty runs from generated_at (B16)."""
    added = {name: m.words[name] for name in COMPLETE if m.words.get(name)}
    for name in COMPLETE:
        if not (added.get(name) or getattr(m.ticket, name)):
            raise Refused("fields_missing", field=name)
    if added:
        m.on_ticket(**added)
    m.ticket_to(State.PENDING_DISPATCH)
    start_dispatch_clock(
        m, Grade(added.get("grade") or m.ticket.grade), Category(added.get("category") or str(m.ticket.category))
    )


def start_dispatch_clock(m: Mover, grade: Grade, category: Category) -> None:
    """Start the institution's duty to dispatch: 12 h, or 2 h if urgent, from generated_at."""
    ticket = m.ticket
    due = m.world.due(Obligation.DISPATCH, grade, category, ticket.generated_at, ticket.management)
    m.start(Obligation.DISPATCH, due, start=ticket.generated_at, unit=ticket.management)


def cancel(m: Mover) -> None:
    """T31 撤销: withdrawn by the requester or entered by mistake; all duties void, handlers notified (M12)."""
    m.void()
    m.withdraw()
    for assignment in m.snap.assignments:
        if assignment.ended_at is None:
            m.change(
                Assignment,
                assignment.id,
                state=State.CANCELLED,
                version=assignment.version + 1,
                ended_at=m.at,
            )
            m.redraw.add(assignment.id)
            holders = m.world.people(assignment.unit, Role.HANDLER)
            m.tell("M12", holders, assignment=assignment, how="withdrawn")
    m.to_state = State.CANCELLED
    m.on_ticket(state=State.CANCELLED)
