"""What happens to a ticket before, or beside, its way to a unit: accept, answer, merge, cancel, regrade, flags."""

from backend.domain.mover import Mover
from backend.domain.moves.sending import announce
from backend.domain.records import Assignment, Duty
from backend.domain.refusals import Refused
from backend.domain.ticket import Category, Grade, Obligation, Role, State

#: Fields without which nothing can be dispatched (T3).
COMPLETE = ("category", "grade", "channel", "text")


def answer(m: Mover) -> None:
    """T2 直接答复: answered at once; counts as accepted, needs no dispatch (Q17)."""
    m.void(Obligation.DISPATCH)
    m.withdraw()
    m.on_ticket(requires_dispatch=False, closed_at=m.at)
    m.ticket_to(State.FINALIZED)


def accept(m: Mover) -> None:
    """T3 审核通过: complete, or completed by whoever accepts it, so the dispatch clock runs from generated_at (B16)."""
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
    """The institution's duty to dispatch: 12 h, or 2 h when urgent, from generated_at."""
    ticket = m.ticket
    due = m.world.due(Obligation.DISPATCH, grade, category, ticket.generated_at, ticket.management)
    m.start(Obligation.DISPATCH, due, start=ticket.generated_at, unit=ticket.management)


def merge(m: Mover) -> None:
    """T4 并单: the repeat goes under a master; its clocks fall away. The desk has found the master's id."""
    master = m.words.pop("master_id", None)
    if master is None or master == m.ticket.id:
        raise Refused("not_found", ticket=m.words["into"])
    m.void()
    m.withdraw()
    m.on_ticket(merged_into=master)
    m.ticket_to(State.MERGED)


def cancel(m: Mover) -> None:
    """T31 撤销: withdrawn by the requester or a wrong entry; all clocks void, holders told (M12)."""
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


def regrade(m: Mover) -> None:
    """Q28: another grade. Upgraded after dispatch, the urgent limits run from now and the earlier due wins."""
    grade = Grade(m.words["grade"])
    if grade is m.ticket.grade:
        raise Refused("same_grade", grade=grade)
    m.on_ticket(grade=grade)
    urgent = grade is Grade.URGENT
    for duty in m.duties(
        Obligation.DISPATCH, Obligation.SIGN, Obligation.RETURN, Obligation.CONTACT, Obligation.REPLY,
        Obligation.CLOSE,
    ):  # fmt: skip
        if duty.outcome is not None:
            continue
        start = m.at if urgent else duty.start_at
        due = m.world.due(duty.kind, grade, m.ticket.category, start, duty.unit)
        due = min(due, duty.due_at) if urgent else max(due, duty.due_at)
        look = m.world.first_look(duty.kind, grade, start, due, duty.unit) if duty.next_at else None
        m.change(Duty, duty.id, due_at=due, grade=grade, next_at=look, step=0)
        column = {Obligation.SIGN: "sign_due_at", Obligation.CLOSE: "close_due_at"}.get(duty.kind)
        if column and duty.assignment_id is not None:
            m.change(Assignment, duty.assignment_id, **{column: due})
    lead = m.snap.lead
    if lead and lead.ended_at is None:
        m.redraw.add(lead.id)
        if urgent and lead.state is State.DISPATCHED:
            announce(m, lead, grade, m.ticket.category)


def flag(m: Mover) -> None:
    """Q32 flags: a mass incident is proposed and another person decides; the rest hold at once."""
    named = {k: m.words[k] for k in ("mass_incident", "confidential", "hard_case") if m.words.get(k) is not None}
    if not named:
        raise Refused("bad_field", field="mass_incident")
    if m.by.of_unit and "confidential" in named:
        raise Refused("forbidden", verb="flag")
    for name, on in named.items():
        if name == "mass_incident":
            if m.pending("mass_incident"):
                raise Refused("already_asked", kind=name)
            m.ask("mass_incident", of_ticket=True, on=on, reason=m.words["reason"])
            reviewers = m.world.people(m.ticket.management or "", Role.REVIEWER)
            m.tell("M9r", reviewers, reason=m.words["reason"], what="mass_incident")
        else:
            m.flag(name, on)


def decide_flag(m: Mover) -> None:
    """Q32: a mass incident approved by a second person leaves both on-time items and gets no card."""
    request = m.pending("mass_incident")
    if request is None:
        raise Refused("nothing_pending", kind="mass_incident")
    m.decide(request, m.words["accept"], m.words["reason"])
    if m.words["accept"]:
        on = bool(request.facts.get("on", True))
        m.flag("mass_incident", on)
        if on:
            _no_card(m)
        else:
            _card_again(m)


def _no_card(m: Mover) -> None:
    """Q32: a card that came before the approval is taken back; the journal remembers it."""
    lead = m.snap.lead
    if lead and lead.red_card_at:
        m.change(Assignment, lead.id, red_card_at=None)
        m.flag("red", on=False)
        m.redraw.add(lead.id)


def _card_again(m: Mover) -> None:
    """No mass incident after all: the clock looks at the closing time again."""
    for duty in m.duties(Obligation.CLOSE):
        if duty.outcome is None:
            m.change(Duty, duty.id, next_at=min(duty.next_at or duty.due_at, duty.due_at))
