"""Effects of a unit's own verbs: sign, contact, reply, close (A11-A14, A32, A33, T6, T7, T12, T19-T22)."""

from datetime import datetime

from backend.domain.moves.dispatching import start_reply_duty
from backend.domain.moves.handing_on import tell_above
from backend.domain.moves.supervision import get_red_at, give_red_card, may_be_given
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Duty
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Grade, Obligation, Outcome, Role, State


def sign(m: PlanBuilder) -> None:
    """T6 签收: timely up to and including the second it is due."""
    m.meet_duties(Obligation.SIGN, assignment_id=m.assignment.id)
    m.update_assignment(
        signed_at=m.at, sign_method="manual", signed_by=m.by.code, opened_at=m.assignment.opened_at or m.at
    )
    m.move_to(State.SIGNED)


def auto_sign(m: PlanBuilder) -> None:
    """T7 自动签收: by the clock, at the planned instant; counts as a late signing (B33)."""
    target = m.assignment
    if m.now < target.sign_due_at:
        raise Refused("not_now", state=target.state)
    m.at = target.sign_due_at
    m.meet_duties(Obligation.SIGN, assignment_id=target.id, outcome=Outcome.AUTO)
    m.update_assignment(signed_at=target.sign_due_at, sign_method="auto")
    m.move_to(State.SIGNED)
    m.notify("auto_signed", m.office.people(target.unit, Role.HANDLER, Role.LIAISON), not_before=m.earliest_send())
    if m.ticket.grade is Grade.URGENT:
        leaders = m.office.people(target.unit, Role.LEADER)
        m.notify("auto_signed", leaders, not_before=m.office.next_open(m.now, target.unit))


def contact(m: PlanBuilder) -> None:
    """T12 联系诉求人: the first time the requester is reached meets the contact duty (A11)."""
    if m.arguments["reached"]:
        m.meet_duties(Obligation.CONTACT, assignment_id=m.assignment.id)
        if m.assignment.contacted_at is None:
            m.update_assignment(contacted_at=m.at)
    m.redraw.add(m.assignment.id)


def attach(m: PlanBuilder) -> None:
    """T12b 附材料: files that go with no other act, kept as those of every act are (XM6)."""
    if not m.arguments["files"]:
        raise Refused("files_missing", field="files")
    m.redraw.add(m.assignment.id)


def reply(m: PlanBuilder) -> None:
    """T19 答复: through the platform to the requester (B37); after a rework it goes to a manual visit (T27)."""
    save_reply(m, m.arguments["text"])
    if m.from_state is State.REWORK:
        m.meet_duties(Obligation.REWORK, assignment_id=m.assignment.id)
        m.meet_duties(Obligation.SUPERVISE, assignment_id=m.assignment.id)
        m.move_to(State.REVISIT_MANUAL)
        m.start_duty(
            Obligation.REVISIT,
            m.office.add_limit(m.office.settings.text("visit.manual.limit"), m.at, m.ticket.management),
            unit=m.ticket.management,
        )
        m.notify("visit_task", m.office.people(m.ticket.management or "", Role.REVISIT_AGENT), why="rework")
        return
    m.move_to(State.REPLIED)


def save_reply(m: PlanBuilder, text: str) -> None:
    """Store the reply; the first one meets the reply duty, and a reply said to be by phone or visit is a contact."""
    m.meet_duties(Obligation.REPLY, assignment_id=m.assignment.id)
    m.update_assignment(reply_text=text, reply_way=m.arguments["way"], replied_at=m.at, replied_by=m.by.code)
    if m.arguments.get("cause"):
        m.update_assignment(cause=m.arguments["cause"])
    if m.arguments["way"] in ("phone", "visit") and m.assignment.contacted_at is None:
        m.meet_duties(Obligation.CONTACT, assignment_id=m.assignment.id)
        m.update_assignment(contacted_at=m.at)


def amend(m: PlanBuilder) -> None:
    """FT29: edit a reply afterwards; the journal keeps the original beside the amendment."""
    if not m.assignment.reply_text:
        raise Refused("reply_missing")
    m.entry_arguments["before"] = m.assignment.reply_text
    m.update_assignment(reply_text=m.arguments["text"])


def close(m: PlanBuilder) -> None:
    """T20 办结, or T21 解释类: requires a reply and, where the office asks for them, the requester's feedback and word
    that they do not object (A13, A33)."""
    target, settings = m.assignment, m.office.settings
    text = m.arguments.get("text")
    if text:
        save_reply(m, text)
    elif not target.reply_text:
        raise Refused("reply_missing")
    if settings.flag("close.requires_feedback") and not m.arguments["feedback"]:
        raise Refused("feedback_missing", field="feedback")
    explained = m.arguments["close_type"] == "explained_unresolvable"
    consent = m.arguments["no_objection"]
    if not explained and consent is False:
        raise Refused("has_objection")
    if not explained and consent is None and settings.flag("close.requires_no_objection"):
        raise Refused("objection_missing", field="no_objection")
    cause = m.arguments.get("cause") or target.cause
    if settings.flag("close.requires_cause") and not cause:
        raise Refused("cause_missing", field="cause")
    m.update_assignment(feedback=m.arguments["feedback"] or None, cause=cause)
    if explained:
        _request_explained_close(m)
        return
    m.withdraw_requests("explained_close")
    complete_close(m, "solved", m.at)


def _request_explained_close(m: PlanBuilder) -> None:
    """T21: explained but not solvable now; waits for a supervisor while the close duty runs (A25)."""
    if not m.arguments["explanation"]:
        raise Refused("explanation_missing", field="explanation")
    again = m.arguments.get("revisit_on")
    if again and again < _local_day(m):
        raise Refused("bad_field", field="revisit_on")
    if m.find_pending("explained_close"):
        raise Refused("already_asked", kind="explained_close")
    m.add_request("explained_close", explanation=m.arguments["explanation"], asked=m.at.isoformat(),
          revisit_on=m.arguments.get("revisit_on"))  # fmt: skip
    m.update_assignment(revisit_on=m.arguments.get("revisit_on"))
    if m.from_state is not State.REPLIED:
        m.move_to(State.REPLIED)
    supervisors = m.office.people(m.ticket.management or "", Role.SUPERVISOR)
    m.notify("review_requested", supervisors, reason=m.arguments["explanation"], what="explained_close")


def _local_day(m: PlanBuilder) -> str:
    return m.at.astimezone(m.now.tzinfo).date().isoformat()


def decide_close(m: PlanBuilder) -> None:
    """T21: the supervisor approves the explained close (timely by when it was requested) or refuses it."""
    request = m.find_pending("explained_close")
    if request is None:
        raise Refused("nothing_pending", kind="explained_close")
    m.decide_request(request, m.arguments["accept"], m.arguments["reason"])
    if m.arguments["accept"]:
        complete_close(m, "explained_unresolvable", request.asked_at)
    else:
        m.update_assignment(revisit_on=None)
        recheck_close(m)
        m.notify(
            "explained_close_refused", m.office.people(m.assignment.unit, Role.HANDLER), reason=m.arguments["reason"]
        )


def recheck(m: PlanBuilder) -> None:
    """T21b: the day named at an explained close has come; the unit looks again and reports (A25, XM3)."""
    target = m.assignment
    if not target.revisit_on or target.revisit_on > _local_day(m):
        raise Refused("not_now", state=target.state)
    m.entry_arguments["revisit_on"] = target.revisit_on
    m.update_assignment(revisit_on=None)
    due = m.office.add_limit(m.office.settings.text("supervise.limit"), m.at, target.unit)
    if not any(m.open_duties(Obligation.SUPERVISE, assignment_id=target.id)):
        m.start_duty(Obligation.SUPERVISE, due, assignment=target)
    said = next((r.facts.get("explanation") for r in reversed(m.snapshot.requests) if r.kind == "explained_close"), "")
    people = m.office.recipients(m.office.people(target.unit, Role.HANDLER, Role.LIAISON), m.now, urgent=False)
    m.notify("recheck_today", people, not_before=m.earliest_send(), explanation=said or "", due=due.isoformat())


def recheck_close(m: PlanBuilder) -> None:
    """Q30: make a withheld card due again."""
    for duty in m.open_duties(Obligation.CLOSE, assignment_id=m.assignment.id):
        if duty.outcome is None:
            m.update_row(Duty, duty.id, check_at=min(duty.check_at or duty.due_at, duty.due_at))


def complete_close(m: PlanBuilder, close_type: str, when: datetime) -> None:
    """Meet the close duty, void what is no longer owed or asked, and start the revisit duty (T20, T23, XM20)."""
    target = m.assignment
    _end_extension(m, when)
    timely = m.meet_duties(Obligation.CLOSE, assignment_id=target.id, at=when)
    m.void_duties(Obligation.RETURN, Obligation.CONTACT, assignment_id=target.id)
    m.update_assignment(close_type=close_type, closed_at=when, closed_by=m.by.code)
    if close_type == "solved":
        m.update_assignment(revisit_on=None)
    m.move_to(State.CLOSED)
    if target.id == m.ticket.lead_id:
        m.update_ticket(closed_at=when)
        due = m.office.add_limit(m.office.settings.text("visit.finish_within"), m.at, m.ticket.management)
        m.start_duty(Obligation.REVISIT, due, unit=m.ticket.management, check_at=m.office.visit_start(m.at))
    tell_above(m)
    m.notify_actor("closed", timely=timely is not False)


def _end_extension(m: PlanBuilder, when: datetime) -> None:
    """XM20: closed while an extension is reviewed: it is withdrawn, and a card that it withheld is given (Q30)."""
    if m.find_pending("extension") is None:
        return
    m.withdraw_requests("extension")
    for duty in m.open_duties(Obligation.CLOSE, assignment_id=m.assignment.id):
        card_at = get_red_at(m, duty)
        if when.replace(microsecond=0) > card_at and may_be_given(m) and "mass_incident" not in m.ticket.flags:
            give_red_card(m, card_at)


def send_back(m: PlanBuilder) -> None:
    """T22 退回补正: closed with an empty or false reply; open again, counts as not closed."""
    target = m.assignment
    m.update_assignment(
        closed_at=None, closed_by=None, close_type=None, revisit_on=None, reply_text=None, replied_at=None
    )
    m.move_to(State.SIGNED)
    if target.id == m.ticket.lead_id:
        m.void_duties(Obligation.REVISIT)
        m.update_ticket(closed_at=None)
        m.start_duty(Obligation.CLOSE, target.close_due_at, assignment=target, start=target.dispatched_at)
        start_reply_duty(m, target, target.close_due_at)
    m.entry_arguments["reopened"] = True
    m.notify("sent_back", m.office.people(target.unit, Role.HANDLER), reason=m.arguments["reason"])
