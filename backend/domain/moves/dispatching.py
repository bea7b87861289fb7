"""Gives a ticket to a unit: dispatch, assist, reassign (A8, A9, A10, A12, A22, T5, T11)."""

from collections.abc import Sequence
from datetime import datetime

from backend.domain.moves.assisting import release_assisting
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Assignment, Person
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Category, Grade, Obligation, Role, State, UnitKind

#: notify.phone.on_dispatch → grades called at once, and grades called if the card stays unopened (A10, Q42).
CALL_AT_ONCE = {"always": (Grade.GENERAL, Grade.URGENT), "urgent": (Grade.URGENT,),
                "urgent_or_unopened": (Grade.URGENT,), "never": ()}  # fmt: skip
CALL_IF_UNOPENED = {"urgent_or_unopened": (Grade.GENERAL,)}


def dispatch(m: PlanBuilder) -> None:
    """T5 派单: to a unit with a reachable handler and a deadline; the dispatch duty is met."""
    if m.arguments.get("grade"):
        m.update_ticket(grade=Grade(m.arguments["grade"]))
    m.meet_duties(Obligation.DISPATCH)
    record_triage(m, m.arguments["unit"])
    release_assisting(m, State.CANCELLED, only=m.arguments["unit"])  # it leads from now on
    assignment = create_assignment(m, m.arguments["unit"], lead=True)
    m.target = assignment
    m.to_state = State.DISPATCHED
    m.update_ticket(state=State.DISPATCHED, lead_id=assignment.id)


def record_triage(m: PlanBuilder, code: str) -> None:
    """A8, A30: record the decision of the triage: the institution's own, or an agency's. Refused `reason_missing`."""
    unit = m.office.find_unit(code)
    if m.office.settings.flag("dispatch.requires_reason") and not m.arguments["reason"]:
        raise Refused("reason_missing", field="reason")
    m.entry_arguments["triage"] = "own" if unit is not None and unit.kind is UnitKind.INTERNAL else "agency"


def assist(m: PlanBuilder) -> None:
    """Q21 协办: another unit helps; it signs, contacts and replies for its part, its late closing is not scored."""
    check_not_there(m, m.arguments["unit"])
    m.target = create_assignment(m, m.arguments["unit"], lead=False)


def check_not_there(m: PlanBuilder, unit: str) -> None:
    """Refused `already_there` if the unit has a living assignment."""
    if any(a.unit == unit and a.ended_at is None for a in m.snapshot.assignments):
        raise Refused("already_there", unit=unit)


def reassign(m: PlanBuilder) -> None:
    """T11 改派: a new assignment elsewhere; the old one's duties are void unless already late."""
    if m.arguments["unit"] == m.assignment.unit:
        raise Refused("already_there", unit=m.assignment.unit)
    record_triage(m, m.arguments["unit"])
    replace_assignment(m, m.office.people(m.assignment.unit, Role.HANDLER), "reassigned")


def replace_assignment(m: PlanBuilder, told: Sequence[Person], how: str, close_due: datetime | None = None) -> None:
    """End this assignment and give its part to the unit named; `told` (M12, `how`) need not handle it any more.

    Refused `already_there`, and as `create_assignment`.
    """
    old = m.assignment
    m.void_duties(assignment_id=old.id, keep_late=True)
    m.update_row(Assignment, old.id, state=State.CANCELLED, version=old.version + 1, ended_at=m.at)
    m.redraw.add(old.id)
    m.notify("assignment_withdrawn", told, assignment=old, how=how)
    if old.id == m.ticket.lead_id:
        m.set_flag("yellow", on=False)
    if old.lead:
        release_assisting(m, State.CANCELLED, only=m.arguments["unit"])
    else:
        check_not_there(m, m.arguments["unit"])
    new = create_assignment(m, m.arguments["unit"], lead=old.id == m.ticket.lead_id, close_due=close_due)
    _carry_over_supervision(m, old, new)
    m.target = new
    m.to_state = State.DISPATCHED
    if new.lead:
        m.update_ticket(state=State.DISPATCHED, lead_id=new.id)


def _carry_over_supervision(m: PlanBuilder, old: Assignment, new: Assignment) -> None:
    """T17: pass an unanswered supervision order to the new unit, with a new due time if the old one has passed."""
    for duty in m.open_duties(Obligation.SUPERVISE, assignment_id=old.id):
        due = duty.due_at
        if due <= m.at:
            due = m.office.add_limit(m.office.settings.text("supervise.limit"), m.at, new.unit)
        m.start_duty(Obligation.SUPERVISE, due, assignment=new)


def create_assignment(m: PlanBuilder, code: str, *, lead: bool, close_due: datetime | None = None) -> Assignment:
    """Create an assignment for a unit, with its duties and messages; an assisting one closes its part by `close_due`.

    Refused: `unknown_unit`, `unit_inactive`, `not_a_handling_unit`, `no_handler`, `deadline_missing`, `deadline_past`.
    """
    unit = m.office.find_unit(code)
    if unit is None:
        raise Refused("unknown_unit", unit=code)
    if not unit.active:
        raise Refused("unit_inactive", unit=code)
    if unit.kind is UnitKind.MANAGEMENT:
        raise Refused("not_a_handling_unit", unit=code)
    handlers = [p for p in m.office.people(code, Role.HANDLER) if p.chat or p.has_phone]
    if not handlers:
        raise Refused("no_handler", unit=code)
    grade: Grade = m.ticket_values.get("grade", m.ticket.grade)
    category = m.ticket.category
    due = close_due or m.arguments.get("close_due_at") or m.office.due(Obligation.CLOSE, grade, category, m.at, code)
    if due <= m.at:
        raise Refused("deadline_past", due=due.isoformat())
    sign_due = m.office.due(Obligation.SIGN, grade, category, m.at, code)
    assignment = Assignment(
        id=m.new_id(), ticket_id=m.ticket.id, unit=code, lead=lead, state=State.DISPATCHED, version=1,
        dispatched_at=m.at, dispatched_by=m.by.code, sign_due_at=sign_due, close_due_at=due,
    )  # fmt: skip
    m.rows.append(assignment)
    m.start_duty(Obligation.SIGN, sign_due, assignment=assignment)
    if lead:
        returns = m.office.due(Obligation.RETURN, grade, category, m.at, code)
        contact = m.office.due(Obligation.CONTACT, grade, category, m.at, code)
        m.start_duty(Obligation.RETURN, returns, assignment=assignment, watched=False)
        m.start_duty(Obligation.CONTACT, contact, assignment=assignment)
        start_reply_duty(m, assignment, due)
    if lead or close_due:
        m.start_duty(Obligation.CLOSE, due, assignment=assignment)
    announce(m, assignment, grade, category)
    return assignment


def start_reply_duty(m: PlanBuilder, assignment: Assignment, close_due: datetime) -> None:
    """A12: start the reply duty, due at the closing time or within `reply.limit` of the dispatch."""
    begin, due = assignment.dispatched_at, close_due
    if not is_reply_due_with_close(m):
        grade: Grade = m.ticket_values.get("grade", m.ticket.grade)
        due = m.office.due(Obligation.REPLY, grade, m.ticket.category, begin, assignment.unit)
    m.start_duty(Obligation.REPLY, due, assignment=assignment, start=begin, watched=False)


def is_reply_due_with_close(m: PlanBuilder) -> bool:
    """Return whether the reply is due together with the closing (`reply.limit` = close)."""
    return m.office.settings.text("reply.limit") == "close"


def announce(m: PlanBuilder, assignment: Assignment, grade: Grade, category: Category | None) -> None:
    """Send the card to every handler (M1, M2) and call the first who can be called (P1, A10); if it is urgent and
    someone is on duty, only them (Q25)."""
    urgent = grade is Grade.URGENT
    handlers = m.office.recipients(m.office.people(assignment.unit, Role.HANDLER), m.now, urgent=urgent)
    by_chat = [p for p in handlers if m.find_chat(p)]
    m.notify("urgent_dispatched" if urgent else "ticket_dispatched", by_chat, assignment=assignment, urgent=urgent,
           not_before=m.office.earliest_notice(m.now, grade, assignment.unit, assignment.sign_due_at))  # fmt: skip
    others = m.office.contacts(assignment.unit, m.now, urgent=urgent) if urgent else ()
    first = next((p for p in (*handlers, *others) if p.has_phone), None)
    if first is None:
        return
    policy = m.office.settings.text("notify.phone.on_dispatch", assignment.unit)
    at_once = not by_chat or grade in CALL_AT_ONCE.get(policy, ())
    when = m.now if urgent else m.office.next_open(m.now, assignment.unit)
    if at_once:
        m.notify("call_to_sign", [first], assignment=assignment, channel="phone", urgent=urgent, not_before=when)
    elif grade in CALL_IF_UNOPENED.get(policy, ()):
        limit = m.office.settings.text("notify.phone.unopened_after", assignment.unit)
        later = m.office.add_limit(limit, m.now, assignment.unit)
        m.notify("call_to_sign", [first], assignment=assignment, channel="phone", urgent=urgent,
               not_before=m.office.next_open(later, assignment.unit), unless_opened=True)  # fmt: skip


def announce_upgrade(m: PlanBuilder, assignment: Assignment) -> None:
    """Q28: tell those who signed a general ticket, by chat and by telephone, that it is urgent now (M2u, P4)."""
    handlers = m.office.recipients(m.office.people(assignment.unit, Role.HANDLER), m.now, urgent=True)
    m.notify("regraded_urgent", [p for p in handlers if m.find_chat(p)], assignment=assignment, urgent=True)
    others = m.office.contacts(assignment.unit, m.now, urgent=True)
    first = next((p for p in (*handlers, *others) if p.has_phone), None)
    if first is not None and m.office.settings.text("notify.phone.on_dispatch", assignment.unit) != "never":
        m.notify("call_regraded", [first], assignment=assignment, channel="phone", urgent=True)
