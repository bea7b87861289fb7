"""Gives a ticket to a unit: dispatch, assist, reassign (A9, A10, A12, A22, T5, T11)."""

from datetime import datetime

from backend.domain.mover import Mover
from backend.domain.moves.assisting import release
from backend.domain.records import Assignment
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Grade, Obligation, Role, State, UnitKind

#: notify.phone.on_dispatch → grades called at once, and grades called if the card stays unopened (A10, Q42).
RING_AT_ONCE = {"always": (Grade.GENERAL, Grade.URGENT), "urgent": (Grade.URGENT,),
                "urgent_or_unopened": (Grade.URGENT,), "never": ()}  # fmt: skip
RING_UNOPENED = {"urgent_or_unopened": (Grade.GENERAL,)}


def dispatch(m: Mover) -> None:
    """T5 派单: to a unit with a reachable handler and a deadline; the dispatch duty is met."""
    if m.words.get("grade"):
        m.on_ticket(grade=Grade(m.words["grade"]))
    m.meet(Obligation.DISPATCH)
    release(m, State.CANCELLED, only=m.words["unit"])  # it leads from now on
    assignment = give(m, m.words["unit"], lead=True)
    m.target = assignment
    m.to_state = State.DISPATCHED
    m.on_ticket(state=State.DISPATCHED, lead_id=assignment.id)


def assist(m: Mover) -> None:
    """Q21 协办: another unit helps; it signs, contacts and replies for its part, its late closing is not scored."""
    unit = m.words["unit"]
    if any(a.unit == unit and a.ended_at is None for a in m.snap.assignments):
        raise Refused("already_there", unit=unit)
    m.target = give(m, unit, lead=False)


def reassign(m: Mover) -> None:
    """T11 改派: a new assignment elsewhere; the old one's duties are void unless already late."""
    old = m.assignment
    if m.words["unit"] == old.unit:
        raise Refused("already_there", unit=old.unit)
    m.void(assignment_id=old.id, keep_late=True)
    m.change(Assignment, old.id, state=State.CANCELLED, version=old.version + 1, ended_at=m.at)
    m.redraw.add(old.id)
    m.tell("M12", m.world.people(old.unit, Role.HANDLER), assignment=old, how="reassigned")
    if old.id == m.ticket.lead_id:
        m.flag("yellow", on=False)
    if old.lead:
        release(m, State.CANCELLED, only=m.words["unit"])
    elif any(a.unit == m.words["unit"] and a.ended_at is None for a in m.snap.assignments):
        raise Refused("already_there", unit=m.words["unit"])
    new = give(m, m.words["unit"], lead=old.id == m.ticket.lead_id)
    _supervised_still(m, old, new)
    m.target = new
    m.to_state = State.DISPATCHED
    if new.lead:
        m.on_ticket(state=State.DISPATCHED, lead_id=new.id)


def _supervised_still(m: Mover, old: Assignment, new: Assignment) -> None:
    """T17: pass an unanswered supervision order to the new unit, with a new due time if the old one has passed."""
    for duty in m.duties(Obligation.SUPERVISE, assignment_id=old.id):
        due = duty.due_at
        if due <= m.at:
            due = m.world.later(m.world.rules.text("supervise.limit"), m.at, new.unit)
        m.start(Obligation.SUPERVISE, due, assignment=new)


def give(m: Mover, code: str, *, lead: bool) -> Assignment:
    """Create an assignment for a unit, with its duties and messages.

    Refused: `unknown_unit`, `unit_inactive`, `not_a_handling_unit`, `no_handler`, `deadline_missing`, `deadline_past`.
    """
    unit = m.world.unit(code)
    if unit is None:
        raise Refused("unknown_unit", unit=code)
    if not unit.active:
        raise Refused("unit_inactive", unit=code)
    if unit.kind is UnitKind.MANAGEMENT:
        raise Refused("not_a_handling_unit", unit=code)
    handlers = [p for p in m.world.people(code, Role.HANDLER) if p.chat or p.has_phone]
    if not handlers:
        raise Refused("no_handler", unit=code)
    grade: Grade = m.ticket_values.get("grade", m.ticket.grade)
    category = m.ticket.category
    close_due = m.words.get("close_due_at") or m.world.due(Obligation.CLOSE, grade, category, m.at, code)
    if close_due <= m.at:
        raise Refused("deadline_past", due=close_due.isoformat())
    sign_due = m.world.due(Obligation.SIGN, grade, category, m.at, code)
    assignment = Assignment(
        id=m.world.new_id(), ticket_id=m.ticket.id, unit=code, lead=lead, state=State.DISPATCHED, version=1,
        dispatched_at=m.at, dispatched_by=m.by.code, sign_due_at=sign_due, close_due_at=close_due,
    )  # fmt: skip
    m.rows.append(assignment)
    m.start(Obligation.SIGN, sign_due, assignment=assignment)
    if lead:
        returns = m.world.due(Obligation.RETURN, grade, category, m.at, code)
        contact = m.world.due(Obligation.CONTACT, grade, category, m.at, code)
        m.start(Obligation.RETURN, returns, assignment=assignment, watched=False)
        m.start(Obligation.CONTACT, contact, assignment=assignment)
        owe_reply(m, assignment, close_due)
        m.start(Obligation.CLOSE, close_due, assignment=assignment)
    announce(m, assignment, grade, category)
    return assignment


def owe_reply(m: Mover, assignment: Assignment, close_due: datetime) -> None:
    """A12: start the reply duty, due at the closing time or within `reply.limit` of the dispatch."""
    begin, due = assignment.dispatched_at, close_due
    if not with_close(m):
        grade: Grade = m.ticket_values.get("grade", m.ticket.grade)
        due = m.world.due(Obligation.REPLY, grade, m.ticket.category, begin, assignment.unit)
    m.start(Obligation.REPLY, due, assignment=assignment, start=begin, watched=False)


def with_close(m: Mover) -> bool:
    """Return whether the reply is due together with the closing (`reply.limit` = close)."""
    return m.world.rules.text("reply.limit") == "close"


def announce(m: Mover, assignment: Assignment, grade: Grade, category: Category | None) -> None:
    """Send the card to every handler (M1, M2) and call the first who can be called (P1, A10); if it is urgent and
    someone is on duty, only them (Q25)."""
    urgent = grade is Grade.URGENT
    handlers = m.world.to_tell(m.world.people(assignment.unit, Role.HANDLER), urgent=urgent)
    by_chat = [p for p in handlers if m.chat_of(p)]
    m.tell("M2" if urgent else "M1", by_chat, assignment=assignment, urgent=urgent,
           not_before=m.world.may_hand_over(grade, assignment.unit, assignment.sign_due_at))  # fmt: skip
    others = m.world.contacts(assignment.unit, urgent=urgent) if urgent else ()
    first = next((p for p in (*handlers, *others) if p.has_phone), None)
    if first is None:
        return
    policy = m.world.rules.text("notify.phone.on_dispatch", assignment.unit)
    at_once = not by_chat or grade in RING_AT_ONCE.get(policy, ())
    when = m.world.now if urgent else m.world.next_open(m.world.now, assignment.unit)
    if at_once:
        m.tell("P1", [first], assignment=assignment, channel="phone", urgent=urgent, not_before=when)
    elif grade in RING_UNOPENED.get(policy, ()):
        limit = m.world.rules.text("notify.phone.unopened_after", assignment.unit)
        later = m.world.later(limit, m.world.now, assignment.unit)
        m.tell("P1", [first], assignment=assignment, channel="phone", urgent=urgent,
               not_before=m.world.next_open(later, assignment.unit), unless_opened=True)  # fmt: skip


def announce_upgrade(m: Mover, assignment: Assignment) -> None:
    """Q28: tell those who signed a general ticket, by chat and by telephone, that it is urgent now (M2u, P4)."""
    handlers = m.world.to_tell(m.world.people(assignment.unit, Role.HANDLER), urgent=True)
    m.tell("M2u", [p for p in handlers if m.chat_of(p)], assignment=assignment, urgent=True)
    others = m.world.contacts(assignment.unit, urgent=True)
    first = next((p for p in (*handlers, *others) if p.has_phone), None)
    if first is not None and m.world.rules.text("notify.phone.on_dispatch", assignment.unit) != "never":
        m.tell("P4", [first], assignment=assignment, channel="phone", urgent=True)
