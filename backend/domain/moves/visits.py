"""Effects of return visits: begun, answered, passed to a person, reworked, finalized (T23-T27, Q36)."""

from datetime import datetime, timedelta

from backend.domain.moves.assisting import release_assisting
from backend.domain.plan_builder import PlanBuilder
from backend.domain.rating_page import PageState, find_involved, get_round, is_in_scope, judge_page
from backend.domain.records import Duty, Visit
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Answer, Grade, Obligation, Role, Source, State
from backend.domain.visit_outcome import ManualRule, Verdict, decide_verdict, find_missing

GOOD = (Answer.SATISFIED, Answer.BASICALLY_SATISFIED)
NO_CONTACT = (Answer.UNREACHED, Answer.NO_REPLY)
NOTE_REQUIRED = (Answer.UNSATISFIED, Answer.UNCLEAR)  # the agent writes down what was really said (texts 7.4)
DANGER_ROLES = (Role.REVISIT_AGENT, Role.SUPERVISOR, Role.DISPATCHER)  # roles notified of danger


def start_visit(m: PlanBuilder) -> None:
    """T23: the ticket's visit begins: automatic, manual (confidential, no number), or none."""
    in_scope = _is_in_scope(m)
    if not in_scope or m.ticket.do_not_call:
        _finalize(m, deemed=in_scope and m.ticket.do_not_call)
        return
    if "confidential" in m.ticket.flags or not m.ticket.has_phone:
        start_manual_visit(m)
        return
    if not m.office.settings.flag("visit.by_machine"):
        _await_import(m)
        return
    m.update_ticket(visit_round=m.ticket.visit_round or 1)
    for duty in m.open_duties(Obligation.REVISIT):
        m.update_row(Duty, duty.id, check_at=duty.due_at)
    m.move_ticket_to(State.REVISIT_AUTO)


def _is_in_scope(m: PlanBuilder) -> bool:
    return is_in_scope(m.ticket.category, m.office.settings.strings("visit.categories"))


def _await_import(m: PlanBuilder) -> None:
    """Q45: 12351 visits by itself and its results are imported; one still missing when due goes to a person (A34)."""
    due = max((d.due_at for d in m.open_duties(Obligation.REVISIT)), default=m.at)
    if m.at >= due:
        start_manual_visit(m, why="not_imported")
        return
    raise Refused("visited_elsewhere", until=due.isoformat())


def start_manual_visit(m: PlanBuilder, why: str = "") -> None:
    """T25: start a manual visit, due in two working days; danger makes it urgent and notifies more roles (7.3)."""
    m.void_duties(Obligation.REVISIT, keep_late=True)
    danger = why == "danger"
    limit = m.office.settings.text("visit.manual.urgent_limit" if danger else "visit.manual.limit")
    due = m.office.add_limit(limit, m.at, m.ticket.management)
    m.start_duty(Obligation.REVISIT, due, unit=m.ticket.management, grade=Grade.URGENT if danger else None)
    m.update_ticket(visit_round=m.ticket.visit_round or 1)
    m.move_ticket_to(State.REVISIT_MANUAL)
    recipients = m.office.people(m.ticket.management or "", *(DANGER_ROLES if danger else DANGER_ROLES[:1]))
    m.notify("visit_task", recipients, urgent=danger or None, why=why)
    on_duty = m.office.contacts(m.ticket.management or "", m.now, urgent=True) if danger else ()
    m.notify("call_danger", [p for p in on_duty if p.has_phone][:1], channel="phone", urgent=True)  # XM19


def visit(m: PlanBuilder) -> None:
    """T24-T26: record a visit's result. An automatic 不满意 is provisional; a person's result is final (B42).

    What stays of an earlier clear 不满意 is for `decide_verdict` to say (XD6, XD7).
    """
    arguments, answer = m.arguments, Answer(m.arguments["answer"])
    manual = arguments["kind"] == "manual"
    round_ = get_round(m.snapshot)
    if m.act.source is Source.PAGE:  # also while a person is to visit: until they, or anybody, got an answer (XM30)
        may_answer = judge_page(m.snapshot, round_) is PageState.OPEN
    else:
        may_answer = manual or m.ticket.state is not State.REVISIT_MANUAL
    if not may_answer:
        raise Refused("not_now", state=m.ticket.state)
    lead = m.snapshot.lead
    if manual and m.act.source is not Source.IMPORT:
        _check_manual_rules(m, answer)
    at = arguments.get("at") or m.at
    verdict = _decide_verdict(m, at, manual, answer)
    final = _is_final(m, answer, verdict, manual)
    deemed = verdict in (Verdict.DEEMED, Verdict.DEEMED_UNREACHED)
    if final and deemed:
        m.entry_arguments["deemed"] = True  # beside the answer, never instead of it (Q36)
    m.rows.append(
        Visit(
            id=m.new_id(),
            ticket_id=m.ticket.id,
            assignment_id=lead.id if lead else None,
            round=round_,
            kind=arguments["kind"],
            at=at,
            by=m.by.code,
            source=m.act.source,
            answer=answer,
            contacted=arguments.get("contacted"),
            resolved=arguments.get("resolved"),
            note=arguments["note"],
            decisive=final,
        )
    )
    m.update_ticket(visit_round=round_)
    if final:
        unsatisfied = verdict is Verdict.UNSATISFIED
        m.update_ticket(final_answer=str(Answer.UNSATISFIED if unsatisfied else answer))
        _finalize(m, deemed=deemed)
        if unsatisfied and lead:
            m.notify("visit_unsatisfied", m.office.people(lead.unit, Role.LIAISON))
            m.notify("visit_unsatisfied", m.office.people(m.ticket.management or "", Role.REVIEWER), to="reviewer")
    elif m.ticket.state is not State.REVISIT_MANUAL or (not manual and arguments["because"] == "danger"):
        start_manual_visit(m, arguments["because"] or ("sampled" if arguments["sampled"] else ""))


def _check_manual_rules(m: PlanBuilder, answer: Answer) -> None:
    """Check the second person (not who handled or reviewed it), the note, and that silence is not too early (Q36)."""
    if m.by.code in find_involved(m.snapshot):
        raise Refused("involved", by=m.by.code)
    at = m.arguments.get("at")
    if at is not None and (
        at > m.at or answer in NO_CONTACT
    ):  # an attempt counts when it is made, not when it is claimed
        raise Refused("bad_field", field="at")
    if answer in NOTE_REQUIRED and not m.arguments["note"]:
        raise Refused("note_missing", field="note")
    if answer is Answer.NO_REPLY and (missing := _find_missing(m, besides=m.at)):
        raise Refused("attempts_missing", **missing)


def _decide_verdict(m: PlanBuilder, at: datetime, manual: bool, answer: Answer) -> Verdict:
    """Return the result of all visits, with this one; attempts that settled nothing do not count (Q36)."""
    heard = [
        (v.at, v.kind == "manual", Answer(v.answer))
        for v in m.snapshot.visits
        if v.answer and (v.decisive or v.answer != Answer.UNREACHED)
    ]
    in_order = sorted([*heard, (at, manual, answer)], key=lambda visit: visit[0])
    unreached = m.office.settings.text("scoring.second_visit_unreached")
    return decide_verdict([(by_person, given) for _, by_person, given in in_order], unreached)


def _is_final(m: PlanBuilder, answer: Answer, verdict: Verdict, manual: bool) -> bool:
    """Return whether a visit settles its round: T24, T25 automatic, T26 and Q36 manual."""
    if manual:  # an import means exhausted (contract §4)
        early = answer is Answer.UNREACHED and m.act.source is not Source.IMPORT and _find_missing(m, besides=m.at)
        return not early
    if verdict is Verdict.UNSATISFIED:  # only a person overturns it (XD6)
        return False
    return answer in GOOD or not (m.arguments["want_person"] or m.arguments["sampled"])


def _find_missing(m: PlanBuilder, besides: datetime) -> dict[str, int]:
    """Return what is missing before silence may be deemed satisfied (Q36): attempts, days, parts of the day."""
    rules, round_ = m.office.settings, max(m.ticket.visit_round, 1)
    times = [
        v.at for v in m.snapshot.visits if v.kind == "manual" and v.answer == Answer.UNREACHED and v.round == round_
    ]
    local = [t.astimezone(m.now.tzinfo) for t in (*times, besides)]
    return find_missing(
        local, ManualRule(rules.integer("visit.manual.attempts"), rules.integer("visit.manual.min_days"))
    )


def _finalize(m: PlanBuilder, *, deemed: bool) -> None:
    m.meet_duties(Obligation.REVISIT)
    release_assisting(m)
    m.update_ticket(deemed_satisfied=deemed)
    m.move_ticket_to(State.FINALIZED)


def rework(m: PlanBuilder) -> None:
    """T27 重办: a justified dissatisfaction goes back once more; no second 办结 (Q22)."""
    lead = m.snapshot.lead
    if m.ticket.final_answer != Answer.UNSATISFIED or m.ticket.unreasonable:
        raise Refused("not_unsatisfied")
    if lead is None:
        raise Refused("not_now", state=m.ticket.state)
    due = m.arguments.get("due_at") or m.office.due(
        Obligation.REWORK, m.ticket.grade, m.ticket.category, m.at, lead.unit
    )
    if due <= m.at or due > m.at + timedelta(days=366):
        raise Refused("deadline_past" if due <= m.at else "bad_field", due=due.isoformat(), field="due_at")
    m.target = lead
    m.from_state = lead.state
    m.update_ticket(visit_round=m.ticket.visit_round + 1, rework_count=m.ticket.rework_count + 1)
    m.move_to(State.REWORK)
    m.start_duty(Obligation.REWORK, due, assignment=lead)
    if not any(m.open_duties(Obligation.SUPERVISE, assignment_id=lead.id)):
        m.start_duty(Obligation.SUPERVISE, due, assignment=lead)
    m.set_flag("supervised")
    m.entry_arguments["due_at"] = due.isoformat()
    m.notify(
        "rework_ordered", m.office.people(lead.unit, Role.HANDLER), summary=m.arguments["summary"], due=due.isoformat()
    )


def finalize(m: PlanBuilder) -> None:
    """T26 结案 by hand: only if no visit is owed, or its result is already there."""
    owed = _is_in_scope(m) and not m.ticket.do_not_call
    has_result = any(v.decisive and v.round == max(m.ticket.visit_round, 1) for v in m.snapshot.visits)
    if owed and not has_result:
        raise Refused("visit_missing")
    _finalize(m, deemed=m.ticket.deemed_satisfied)
