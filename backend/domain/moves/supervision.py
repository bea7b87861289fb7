"""Effects of the clock and of supervisors: cards, supervision, case review, archive (T15-T18, T30, A17)."""

from datetime import datetime

from backend.domain.moves.assisting import release_assisting
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Assignment, Duty
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Answer, Grade, Obligation, Outcome, Role, State


def yellow_card(m: PlanBuilder) -> None:
    """T15 黄牌: a reminder before the limit, not scored (Q33)."""
    if m.assignment.yellow_card_at:
        raise Refused("already_there", card="yellow")
    m.update_assignment(yellow_card_at=m.at)
    m.set_flag("yellow")
    m.notify("close_reminder", m.office.people(m.assignment.unit, Role.HANDLER), not_before=m.earliest_send())


def red_card(m: PlanBuilder) -> None:
    """T16 红牌: once per assignment at its due time (`card.red_at`); withheld while an extension, or an explained
    close asked for in time, is undecided; never for a mass incident (Q32, Q33)."""
    target = m.assignment
    duty = next(iter(m.open_duties(Obligation.CLOSE, assignment_id=target.id)), None)
    if not may_be_given(m) or (duty and duty.outcome is Outcome.LATE):
        raise Refused("already_there", card="red")
    if duty is None or "mass_incident" in m.ticket.flags:
        raise Refused("not_now", state=target.state)
    asked = m.find_pending("explained_close")
    if m.find_pending("extension") or (asked and asked.asked_at.replace(microsecond=0) <= duty.due_at):
        raise Refused("withheld", state=target.state)
    m.at = get_red_at(m, duty)
    if m.now < m.at:
        raise Refused("not_now", state=target.state)
    m.update_row(Duty, duty.id, outcome=Outcome.LATE, check_at=None)
    give_red_card(m, m.at)
    m.notify("red_card", m.office.people(target.unit, Role.HANDLER, Role.LIAISON), not_before=m.earliest_send())
    leaders = m.office.people(target.unit, Role.LEADER)
    m.notify("red_card", leaders, not_before=m.office.next_open(m.now, target.unit))


def may_be_given(m: PlanBuilder) -> bool:
    """Return whether this assignment may get a red card: the lead's, once, unless an objection to it was accepted."""
    target = m.assignment
    upheld = any(
        r.kind == "objection" and r.decision == "accepted" and r.assignment_id == target.id for r in m.snapshot.requests
    )
    return target.lead and target.red_card_at is None and not upheld


def get_red_at(m: PlanBuilder, duty: Duty) -> datetime:
    """Return when the red card of a closing duty is due (`card.red_at`)."""
    red_at = m.office.settings.text("card.red_at")
    return duty.due_at if red_at == "due" else m.office.add_limit(red_at, duty.due_at, m.assignment.unit)


def give_red_card(m: PlanBuilder, at: datetime) -> None:
    """Put the card on assignment and ticket."""
    m.update_assignment(red_card_at=at)
    m.set_flag("red")
    m.set_flag("yellow", on=False)
    m.redraw.add(m.assignment.id)


def supervise(m: PlanBuilder) -> None:
    """T17 督办: a dated demand for an answer, by chat and, in office hours, by telephone (A15)."""
    target = m.target
    if target is None:
        raise Refused("not_now", state=m.ticket.state)
    due = m.arguments.get("due_at") or m.office.add_limit(m.office.settings.text("supervise.limit"), m.at, target.unit)
    if due <= m.at:
        raise Refused("deadline_past", due=due.isoformat())
    m.set_flag("supervised")
    m.start_duty(Obligation.SUPERVISE, due, assignment=target)
    m.entry_arguments["due_at"] = due.isoformat()
    m.redraw.add(target.id)
    handlers = m.office.recipients(
        m.office.people(target.unit, Role.HANDLER), m.now, urgent=m.ticket.grade is Grade.URGENT
    )
    m.notify("supervised", [p for p in handlers if m.find_chat(p)], reason=m.arguments["reason"], due=due.isoformat())
    first = next((p for p in handlers if p.has_phone), None)
    if first:
        m.notify("call_supervised", [first], channel="phone", not_before=m.office.next_open(m.now, target.unit),
               due=due.isoformat())  # fmt: skip


def report_progress(m: PlanBuilder) -> None:
    """T18 反馈进展: answers the supervision order; a supervisor accepts it or asks again (A15)."""
    m.meet_duties(Obligation.SUPERVISE, assignment_id=m.assignment.id)
    supervisors = m.office.people(m.ticket.management or "", Role.SUPERVISOR)
    kind = (
        "progress_reported" if "supervised" in m.ticket.flags else "unit_explained"
    )  # no order: the unit explains unasked
    m.notify(kind, supervisors, text=m.arguments["text"])


def accept_progress(m: PlanBuilder) -> None:
    """T18b: accepted, the flag is cleared; refused, a new due time is set."""
    if "supervised" not in m.ticket.flags:
        raise Refused("nothing_pending", kind="supervise")
    if m.arguments["accept"]:
        m.void_duties(Obligation.SUPERVISE, assignment_id=m.assignment.id, keep_late=True)
        m.set_flag("supervised", on=False)
        return
    target = m.assignment
    if not any(m.open_duties(Obligation.SUPERVISE, assignment_id=target.id)):
        due = m.office.add_limit(m.office.settings.text("supervise.limit"), m.at, target.unit)
        m.start_duty(Obligation.SUPERVISE, due, assignment=target)
        handlers = m.office.people(target.unit, Role.HANDLER)
        m.notify("supervised", handlers, reason=m.arguments["reason"], due=due.isoformat())


def review(m: PlanBuilder) -> None:
    """A17 评议: conclusion, responsibility and improvement for a badly handled or unsatisfied ticket.

    `valid_complaint`: what a complaint is right to blame the institution for; a ledger line is drafted of it (B22).
    """
    m.set_flag("reviewed")


def archive(m: PlanBuilder) -> None:
    """T30 归档: after settlement, and after the case review where one is owed (A17); then only corrections."""
    unsatisfied = m.ticket.final_answer == Answer.UNSATISFIED and not m.ticket.unreasonable
    if (unsatisfied or "red" in m.ticket.flags) and "reviewed" not in m.ticket.flags:
        raise Refused("review_missing")
    if unsatisfied and m.now <= _claim_window_end(m):
        raise Refused("not_now", state=m.ticket.state)
    lead = m.snapshot.lead
    if lead and (lead.revisit_on or _is_rechecked(m, lead)):
        raise Refused("recheck_waits", day=lead.revisit_on or "")
    release_assisting(m)
    m.void_duties(keep_late=True)
    m.withdraw_requests()
    m.move_ticket_to(State.ARCHIVED)


def _is_rechecked(m: PlanBuilder, lead: Assignment) -> bool:
    """Whether the unit is looking again at what it could not solve (T21b)."""
    explained = lead.close_type == "explained_unresolvable"
    return explained and any(m.open_duties(Obligation.SUPERVISE, assignment_id=lead.id))


def _claim_window_end(m: PlanBuilder) -> datetime:
    """Return until when the unit may still claim, or appeal against the decision on its claim (Q38)."""
    rules, windows = m.office.settings, [m.ticket.generated_at]
    final = next((v for v in reversed(m.snapshot.visits) if v.decisive), None)
    claims = [r for r in m.snapshot.requests if r.kind in ("unreasonable", "appeal")]
    if final and not claims:
        windows.append(m.office.add_limit(rules.text("unreasonable_window"), final.at, m.ticket.management))
    elif len(claims) == 1 and claims[0].decided_at and claims[0].decision == "refused":
        windows.append(m.office.add_limit(rules.text("appeal_window"), claims[0].decided_at, m.ticket.management))
    return max(windows)
