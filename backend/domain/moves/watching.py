"""What the clock and the supervisors do: cards, supervision and its answers, case review, archive (T15-T18, T30, A17)."""

from backend.domain.mover import Mover
from backend.domain.records import Duty
from backend.domain.refusals import Refused
from backend.domain.ticket import Answer, Obligation, Outcome, Role, State


def yellow_card(m: Mover) -> None:
    """T15 黄牌: a reminder before the limit, not scored (Q33)."""
    if m.assignment.yellow_card_at:
        raise Refused("already_there", card="yellow")
    m.set(yellow_card_at=m.at)
    m.flag("yellow")
    m.tell("M4", m.world.people(m.assignment.unit, Role.HANDLER))


def red_card(m: Mover) -> None:
    """T16 红牌: once per assignment at its due time; withheld while an extension is undecided; never for a
    mass incident (Q32, Q33)."""
    target = m.assignment
    if target.red_card_at or not target.lead:
        raise Refused("already_there", card="red")
    if target.state is State.EXTENSION_REVIEW:
        raise Refused("withheld", state=target.state)
    duty = next(iter(m.duties(Obligation.CLOSE, assignment_id=target.id)), None)
    if duty is None or "mass_incident" in m.ticket.flags:
        raise Refused("not_now", state=target.state)
    m.at = duty.due_at
    m.change(Duty, duty.id, outcome=Outcome.LATE, next_at=None)
    m.set(red_card_at=duty.due_at)
    m.flag("red")
    m.flag("yellow", on=False)
    m.redraw.add(target.id)
    m.tell("M8", m.world.people(target.unit, Role.HANDLER, Role.LIAISON))
    leaders = m.world.people(target.unit, Role.LEADER)
    m.tell("M8", leaders, not_before=m.world.next_open(m.world.now, target.unit))


def supervise(m: Mover) -> None:
    """T17 督办: a dated demand for an answer, by chat and, in office hours, by telephone (A15)."""
    target = m.target
    if target is None:
        raise Refused("not_now", state=m.ticket.state)
    due = m.words.get("due_at") or m.world.later(m.world.rules.text("supervise.limit"), m.at, target.unit)
    if due <= m.at:
        raise Refused("deadline_past", due=due.isoformat())
    m.flag("supervised")
    m.start(Obligation.SUPERVISE, due, assignment=target)
    m.line_words["due_at"] = due.isoformat()
    m.redraw.add(target.id)
    handlers = m.world.people(target.unit, Role.HANDLER)
    m.tell("M16", [p for p in handlers if p.chat], reason=m.words["reason"], due=due.isoformat())
    first = next((p for p in handlers if p.has_phone), None)
    if first:
        m.tell("P2", [first], channel="phone", not_before=m.world.next_open(m.world.now, target.unit),
               due=due.isoformat())  # fmt: skip


def report_progress(m: Mover) -> None:
    """T18 反馈进展: answers the supervision order; a supervisor accepts it or asks again (A15)."""
    m.meet(Obligation.SUPERVISE, assignment_id=m.assignment.id)
    supervisors = m.world.people(m.ticket.management or "", Role.SUPERVISOR)
    m.tell("M16r", supervisors, text=m.words["text"])


def accept_progress(m: Mover) -> None:
    """T18: the answer is enough, and the flag comes down; or it is not, and a new day is given."""
    if "supervised" not in m.ticket.flags:
        raise Refused("nothing_pending", kind="supervise")
    if m.words["accept"]:
        m.void(Obligation.SUPERVISE, assignment_id=m.assignment.id)
        m.flag("supervised", on=False)
        return
    target = m.assignment
    if not any(m.duties(Obligation.SUPERVISE, assignment_id=target.id)):
        due = m.world.later(m.world.rules.text("supervise.limit"), m.at, target.unit)
        m.start(Obligation.SUPERVISE, due, assignment=target)
        handlers = m.world.people(target.unit, Role.HANDLER)
        m.tell("M16", handlers, reason=m.words["reason"], due=due.isoformat())


def review(m: Mover) -> None:
    """A17 评议: conclusion, responsibility and improvement for a badly handled or unsatisfied ticket."""
    m.flag("reviewed")


def archive(m: Mover) -> None:
    """T30 归档: after settlement, and after the case review where one is owed (A17); then only corrections."""
    unsatisfied = m.ticket.final_answer == Answer.UNSATISFIED and not m.ticket.excluded
    if (unsatisfied or "red" in m.ticket.flags) and "reviewed" not in m.ticket.flags:
        raise Refused("review_missing")
    m.ticket_to(State.ARCHIVED)
