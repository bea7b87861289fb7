"""Effects of the clock and of supervisors: cards, supervision, case review, archive (T15-T18, T30, A17)."""

from datetime import datetime

from backend.domain.mover import Mover
from backend.domain.moves.assisting import release
from backend.domain.records import Duty
from backend.domain.refusals import Refused
from backend.domain.ticket import Answer, Grade, Obligation, Outcome, Role, State


def yellow_card(m: Mover) -> None:
    """T15 黄牌: a reminder before the limit, not scored (Q33)."""
    if m.assignment.yellow_card_at:
        raise Refused("already_there", card="yellow")
    m.set(yellow_card_at=m.at)
    m.flag("yellow")
    m.tell("M4", m.world.people(m.assignment.unit, Role.HANDLER), not_before=m.planned())


def red_card(m: Mover) -> None:
    """T16 红牌: once per assignment at its due time (`card.red_at`); withheld while an extension, or an explained
    close asked for in time, is undecided; never for a mass incident (Q32, Q33)."""
    target = m.assignment
    duty = next(iter(m.duties(Obligation.CLOSE, assignment_id=target.id)), None)
    upheld = any(r.kind == "objection" and r.decision == "accepted" and r.assignment_id == target.id
                 for r in m.snap.requests)  # fmt: skip
    if target.red_card_at or upheld or not target.lead or (duty and duty.outcome is Outcome.LATE):
        raise Refused("already_there", card="red")
    if duty is None or "mass_incident" in m.ticket.flags:
        raise Refused("not_now", state=target.state)
    asked = m.pending("explained_close")
    if target.state is State.EXTENSION_REVIEW or (asked and asked.asked_at.replace(microsecond=0) <= duty.due_at):
        raise Refused("withheld", state=target.state)
    held_back = m.world.rules.text("card.red_at")
    m.at = duty.due_at if held_back == "due" else m.world.later(held_back, duty.due_at, target.unit)
    if m.world.now < m.at:
        raise Refused("not_now", state=target.state)
    m.change(Duty, duty.id, outcome=Outcome.LATE, next_at=None)
    m.set(red_card_at=m.at)
    m.flag("red")
    m.flag("yellow", on=False)
    m.redraw.add(target.id)
    m.tell("M8", m.world.people(target.unit, Role.HANDLER, Role.LIAISON), not_before=m.planned())
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
    handlers = m.world.to_tell(m.world.people(target.unit, Role.HANDLER), urgent=m.ticket.grade is Grade.URGENT)
    m.tell("M16", [p for p in handlers if m.chat_of(p)], reason=m.words["reason"], due=due.isoformat())
    first = next((p for p in handlers if p.has_phone), None)
    if first:
        m.tell("P2", [first], channel="phone", not_before=m.world.next_open(m.world.now, target.unit),
               due=due.isoformat())  # fmt: skip


def report_progress(m: Mover) -> None:
    """T18 反馈进展: answers the supervision order; a supervisor accepts it or asks again (A15)."""
    m.meet(Obligation.SUPERVISE, assignment_id=m.assignment.id)
    supervisors = m.world.people(m.ticket.management or "", Role.SUPERVISOR)
    kind = "M16r" if "supervised" in m.ticket.flags else "M16e"  # no order: the unit explains unasked
    m.tell(kind, supervisors, text=m.words["text"])


def accept_progress(m: Mover) -> None:
    """T18b: accepted, the flag is cleared; refused, a new due time is set."""
    if "supervised" not in m.ticket.flags:
        raise Refused("nothing_pending", kind="supervise")
    if m.words["accept"]:
        m.void(Obligation.SUPERVISE, assignment_id=m.assignment.id, keep_late=True)
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
    if unsatisfied and m.world.now <= _open_until(m):
        raise Refused("not_now", state=m.ticket.state)
    release(m)
    m.void(keep_late=True)
    m.withdraw()
    m.ticket_to(State.ARCHIVED)


def _open_until(m: Mover) -> datetime:
    """Return until when the unit may still claim, or appeal against the decision on its claim (Q38)."""
    rules, windows = m.world.rules, [m.ticket.generated_at]
    final = next((v for v in reversed(m.snap.visits) if v.final), None)
    claims = [r for r in m.snap.requests if r.kind in ("unreasonable", "appeal")]
    if final and not claims:
        windows.append(m.world.later(rules.text("unreasonable_window"), final.at, m.ticket.management))
    elif len(claims) == 1 and claims[0].decided_at and claims[0].decision == "refused":
        windows.append(m.world.later(rules.text("appeal_window"), claims[0].decided_at, m.ticket.management))
    return max(windows)
