"""Effects of a unit's own verbs: sign, contact, reply, close (A11-A14, A32, A33, T6, T7, T12, T19-T22)."""

from datetime import datetime

from backend.domain.mover import Mover
from backend.domain.moves.sending import owe_reply
from backend.domain.records import Duty
from backend.domain.refusals import Refused
from backend.domain.ticket import Grade, Obligation, Outcome, Role, State

BEIJING = "beijing_mutual_aid"


def sign(m: Mover) -> None:
    """T6 签收: timely up to and including the second it is due."""
    m.meet(Obligation.SIGN, assignment_id=m.assignment.id)
    m.set(signed_at=m.at, signed="manual", signed_by=m.by.code, opened_at=m.assignment.opened_at or m.at)
    m.to(State.SIGNED)


def auto_sign(m: Mover) -> None:
    """T7 自动签收: by the clock, at the planned instant; counts as a late signing (B33)."""
    target = m.assignment
    if m.world.now < target.sign_due_at:
        raise Refused("not_now", state=target.state)
    m.at = target.sign_due_at
    m.meet(Obligation.SIGN, assignment_id=target.id, outcome=Outcome.AUTO)
    m.set(signed_at=target.sign_due_at, signed="auto")
    m.to(State.SIGNED)
    m.tell("M7", m.world.people(target.unit, Role.HANDLER, Role.LIAISON), not_before=m.planned())
    if m.ticket.grade is Grade.URGENT:
        leaders = m.world.people(target.unit, Role.LEADER)
        m.tell("M7", leaders, not_before=m.world.next_open(m.world.now, target.unit))


def contact(m: Mover) -> None:
    """T12 联系诉求人: the first time the requester is reached meets the contact duty (A11)."""
    if m.words["reached"]:
        m.meet(Obligation.CONTACT, assignment_id=m.assignment.id)
        if m.assignment.contacted_at is None:
            m.set(contacted_at=m.at)
    m.redraw.add(m.assignment.id)


def reply(m: Mover) -> None:
    """T19 答复: through the platform to the requester (B37); after a rework it goes to a manual visit (T27)."""
    write_reply(m, m.words["text"])
    if m.from_state is State.REWORK:
        m.meet(Obligation.REWORK, assignment_id=m.assignment.id)
        m.meet(Obligation.SUPERVISE, assignment_id=m.assignment.id)
        m.to(State.REVISIT_MANUAL)
        m.start(
            Obligation.REVISIT,
            m.world.later(m.world.rules.text("visit.manual.limit"), m.at, m.ticket.management),
            unit=m.ticket.management,
        )
        m.tell("M25v", m.world.people(m.ticket.management or "", Role.REVISIT_AGENT), why="rework")
        return
    m.to(State.REPLIED)


def write_reply(m: Mover, text: str) -> None:
    """Store the reply; the first one meets the reply duty, and a reply by phone or visit is a contact."""
    m.meet(Obligation.REPLY, assignment_id=m.assignment.id)
    m.set(reply_text=text, reply_way=m.words["way"], replied_at=m.at, replied_by=m.by.code)
    if m.words.get("cause"):
        m.set(cause=m.words["cause"])
    if m.words["way"] in ("phone", "visit") and m.assignment.contacted_at is None:
        m.meet(Obligation.CONTACT, assignment_id=m.assignment.id)
        m.set(contacted_at=m.at)


def amend(m: Mover) -> None:
    """FT29: edit a reply afterwards; the journal keeps the original beside the amendment."""
    if not m.assignment.reply_text:
        raise Refused("reply_missing")
    m.line_words["before"] = m.assignment.reply_text
    m.set(reply_text=m.words["text"])


def close(m: Mover) -> None:
    """T20 办结, or T21 解释类: requires a reply and, under the Beijing rules, the requester's feedback (A13, A33)."""
    target = m.assignment
    text = m.words.get("text")
    if text:
        write_reply(m, text)
    elif not target.reply_text:
        raise Refused("reply_missing")
    cause = m.words.get("cause") or target.cause
    if m.world.rules.flag("close.requires_cause") and not cause:
        raise Refused("cause_missing", field="cause")
    beijing = m.world.rules.text("profile") == BEIJING
    if beijing and not m.words["feedback"]:
        raise Refused("feedback_missing", field="feedback")
    m.set(feedback=m.words["feedback"] or None, cause=cause)
    if m.words["close_type"] == "explained_unresolvable":
        _ask_explained(m)
        return
    if m.words["no_objection"] is False or (beijing and m.words["no_objection"] is None):
        raise Refused("has_objection")
    m.withdraw("explained_close")
    finish(m, "solved", m.at)


def _ask_explained(m: Mover) -> None:
    """T21: explained but not solvable now; waits for a supervisor while the close duty runs (A25)."""
    if not m.words["explanation"]:
        raise Refused("explanation_missing", field="explanation")
    again = m.words.get("revisit_on")
    if again and again < m.at.astimezone(m.world.now.tzinfo).date().isoformat():
        raise Refused("bad_field", field="revisit_on")
    if m.pending("explained_close"):
        raise Refused("already_asked", kind="explained_close")
    m.ask("explained_close", explanation=m.words["explanation"], asked=m.at.isoformat(),
          revisit_on=m.words.get("revisit_on"))  # fmt: skip
    m.set(revisit_on=m.words.get("revisit_on"))
    if m.from_state is not State.REPLIED:
        m.to(State.REPLIED)
    supervisors = m.world.people(m.ticket.management or "", Role.SUPERVISOR)
    m.tell("M9r", supervisors, reason=m.words["explanation"], what="explained_close")


def decide_close(m: Mover) -> None:
    """T21: the supervisor approves the explained close (timely by when it was requested) or refuses it."""
    request = m.pending("explained_close")
    if request is None:
        raise Refused("nothing_pending", kind="explained_close")
    m.decide(request, m.words["accept"], m.words["reason"])
    if m.words["accept"]:
        finish(m, "explained_unresolvable", request.asked_at)
    else:
        wake_close(m)
        m.tell("M15c", m.world.people(m.assignment.unit, Role.HANDLER), reason=m.words["reason"])


def wake_close(m: Mover) -> None:
    """Q30: make a withheld card due again."""
    for duty in m.duties(Obligation.CLOSE, assignment_id=m.assignment.id):
        if duty.outcome is None:
            m.change(Duty, duty.id, next_at=min(duty.next_at or duty.due_at, duty.due_at))


def finish(m: Mover, close_type: str, when: datetime) -> None:
    """Meet the close duty, void what is no longer owed, and start the revisit duty (T20, T23)."""
    target = m.assignment
    timely = m.meet(Obligation.CLOSE, assignment_id=target.id, at=when)
    m.void(Obligation.RETURN, Obligation.CONTACT, assignment_id=target.id)
    m.set(close_type=close_type, closed_at=when, closed_by=m.by.code)
    m.to(State.CLOSED)
    if target.id == m.ticket.lead_id:
        m.on_ticket(closed_at=when)
        due = m.world.later(m.world.rules.text("visit.finish_within"), m.at, m.ticket.management)
        m.start(Obligation.REVISIT, due, unit=m.ticket.management, look=m.world.visit_start(m.at))
    m.tell_actor("M17", timely=timely is not False)


def send_back(m: Mover) -> None:
    """T22 退回补正: closed with an empty or false reply; open again, counts as not closed."""
    target = m.assignment
    m.set(closed_at=None, closed_by=None, close_type=None, reply_text=None, replied_at=None)
    m.to(State.SIGNED)
    if target.id == m.ticket.lead_id:
        m.void(Obligation.REVISIT)
        m.on_ticket(closed_at=None)
        m.start(Obligation.CLOSE, target.close_due_at, assignment=target, start=target.dispatched_at)
        owe_reply(m, target, target.close_due_at)
    m.line_words["reopened"] = True
    m.tell("M18", m.world.people(target.unit, Role.HANDLER), reason=m.words["reason"])
