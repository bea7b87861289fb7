"""What return visits do to a ticket: begun, answered, taken over by a person, reworked, finalized (T23-T27, Q36)."""

from datetime import timedelta

from backend.domain.mover import Mover
from backend.domain.records import Duty, Visit
from backend.domain.refusals import Refused
from backend.domain.ticket import Answer, Obligation, Role, State

GOOD = (Answer.SATISFIED, Answer.BASICALLY_SATISFIED)
ATTEMPTS_BANDS = 2  # Q36: time bands (morning, afternoon, evening) the attempts must cover


def start_visit(m: Mover) -> None:
    """T23: the ticket's turn to be visited has come: by machine, by a person (confidential, no number), or not at all."""
    scope = m.world.rules.listing("visit.categories")
    in_scope = "all" in scope or (m.ticket.category or "") in scope
    if not in_scope or m.ticket.no_visit:
        _finalize(m, deemed=in_scope and m.ticket.no_visit)
        return
    if "confidential" in m.ticket.flags or not m.ticket.has_phone:
        to_a_person(m)
        return
    m.on_ticket(visit_round=m.ticket.visit_round or 1)
    for duty in m.duties(Obligation.REVISIT):
        m.change(Duty, duty.id, next_at=duty.due_at)
    m.ticket_to(State.REVISIT_AUTO)


def to_a_person(m: Mover) -> None:
    """T25: a person visits, within two working days."""
    m.void(Obligation.REVISIT, keep_late=True)
    due = m.world.later(m.world.rules.text("visit.manual.limit"), m.at, m.ticket.management)
    m.start(Obligation.REVISIT, due, unit=m.ticket.management)
    m.on_ticket(visit_round=m.ticket.visit_round or 1)
    m.ticket_to(State.REVISIT_MANUAL)
    agents = m.world.people(m.ticket.management or "", Role.REVISIT_AGENT)
    m.tell("M25v", agents)


def visit(m: Mover) -> None:
    """T24-T26: what the visit heard. A machine's 不满意 is provisional; a person's word is final (B42)."""
    words, answer = m.words, Answer(m.words["answer"])
    manual = words["kind"] == "manual"
    if m.ticket.state is State.REVISIT_MANUAL and not manual:
        raise Refused("not_now", state=m.ticket.state)
    lead = m.snap.lead
    if manual and lead and m.by.code in (lead.signed_by, lead.replied_by, lead.closed_by):
        raise Refused("same_person", by=m.by.code)
    at = words.get("at") or m.at
    final, deemed = _verdict(m, answer, manual)
    round_ = max(m.ticket.visit_round, 1)
    m.rows.append(
        Visit(
            id=m.world.new_id(),
            ticket_id=m.ticket.id,
            assignment_id=lead.id if lead else None,
            round=round_,
            kind=words["kind"],
            at=at,
            by=m.by.code,
            source=m.act.source,
            answer=answer,
            contacted=words.get("contacted"),
            resolved=words.get("resolved"),
            note=words["note"],
            final=final,
        )  # fmt: skip
    )
    m.on_ticket(visit_round=round_)
    if final:
        m.on_ticket(final_answer=str(answer))
        _finalize(m, deemed=deemed)
        if answer is Answer.UNSATISFIED and lead:
            m.tell("M20u", m.world.people(lead.unit, Role.LIAISON))
    elif m.ticket.state is not State.REVISIT_MANUAL:
        to_a_person(m)


def _verdict(m: Mover, answer: Answer, manual: bool) -> tuple[bool, bool]:
    """(final, deemed) of an answer: T24, T25 for the machine, T26 and Q36 for a person."""
    if answer in GOOD:
        return True, False
    if answer is Answer.UNSATISFIED:
        return manual, False
    if not manual:
        return not (m.words["want_person"] or m.words["sampled"]), True
    if answer is Answer.UNREACHED:
        return _tried_enough(m), True
    return True, True


def _tried_enough(m: Mover) -> bool:
    """Q36: three attempts, in two time bands, over two days, before silence may be deemed satisfied."""
    rules = m.world.rules
    times = [v.at for v in m.snap.visits if v.kind == "manual" and v.answer == Answer.UNREACHED
             and v.round == max(m.ticket.visit_round, 1)]  # fmt: skip
    times.append(m.words.get("at") or m.at)
    local = [t.astimezone(m.world.now.tzinfo) for t in times]
    bands = {"morning" if t.hour < 12 else "afternoon" if t.hour < 18 else "evening" for t in local}
    days = {t.date() for t in local}
    enough = len(times) >= rules.integer("visit.manual.attempts")
    return enough and len(bands) >= ATTEMPTS_BANDS and len(days) >= rules.integer("visit.manual.min_days")


def _finalize(m: Mover, *, deemed: bool) -> None:
    m.meet(Obligation.REVISIT)
    m.on_ticket(deemed=deemed)
    m.ticket_to(State.FINALIZED)


def rework(m: Mover) -> None:
    """T27 重办: a reasonable dissatisfaction goes back once more; no second 办结 (Q22)."""
    lead = m.snap.lead
    if m.ticket.final_answer != Answer.UNSATISFIED or m.ticket.excluded:
        raise Refused("not_unsatisfied")
    if lead is None:
        raise Refused("not_now", state=m.ticket.state)
    due = m.words.get("due_at") or m.world.due(Obligation.REWORK, m.ticket.grade, m.ticket.category, m.at, lead.unit)
    if due <= m.at or due > m.at + timedelta(days=366):
        raise Refused("deadline_past" if due <= m.at else "bad_field", due=due.isoformat(), field="due_at")
    m.target = lead
    m.from_state = lead.state
    m.on_ticket(visit_round=m.ticket.visit_round + 1, rounds_of_rework=m.ticket.rounds_of_rework + 1)
    m.to(State.REWORK)
    m.start(Obligation.REWORK, due, assignment=lead)
    if not any(m.duties(Obligation.SUPERVISE, assignment_id=lead.id)):
        m.start(Obligation.SUPERVISE, due, assignment=lead)
    m.flag("supervised")
    m.line_words["due_at"] = due.isoformat()
    m.tell("M19", m.world.people(lead.unit, Role.HANDLER), summary=m.words["summary"], due=due.isoformat())


def finalize(m: Mover) -> None:
    """T26 结案 by hand: only where no visit is owed, or its result is already there."""
    scope = m.world.rules.listing("visit.categories")
    owed = ("all" in scope or (m.ticket.category or "") in scope) and not m.ticket.no_visit
    heard = any(v.final and v.round == max(m.ticket.visit_round, 1) for v in m.snap.visits)
    if owed and not heard:
        raise Refused("visit_missing")
    _finalize(m, deemed=m.ticket.deemed)
