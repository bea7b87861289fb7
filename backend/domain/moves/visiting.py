"""Effects of return visits: begun, answered, passed to a person, reworked, finalized (T23-T27, Q36)."""

from datetime import datetime, timedelta

from backend.domain.disposition import ManualRule, lacking
from backend.domain.mover import Mover
from backend.domain.moves.assisting import release
from backend.domain.records import Duty, Visit
from backend.domain.refusals import Refused
from backend.domain.ticket import Answer, Grade, Obligation, Role, Source, State

GOOD = (Answer.SATISFIED, Answer.BASICALLY_SATISFIED)
SILENT = (Answer.UNREACHED, Answer.NO_REPLY)
WORDS_NEEDED = (Answer.UNSATISFIED, Answer.UNCLEAR)  # the agent writes down what was really said (texts.md 7.4)
AT_ONCE = (Role.REVISIT_AGENT, Role.SUPERVISOR, Role.DISPATCHER)  # roles notified of danger


def start_visit(m: Mover) -> None:
    """T23: the ticket's visit begins: automatic, manual (confidential, no number), or none."""
    scope = m.world.rules.listing("visit.categories")
    in_scope = "all" in scope or (m.ticket.category or "") in scope
    if not in_scope or m.ticket.no_visit:
        _finalize(m, deemed=in_scope and m.ticket.no_visit)
        return
    if "confidential" in m.ticket.flags or not m.ticket.has_phone:
        to_a_person(m)
        return
    if not m.world.rules.flag("visit.by_machine"):
        _elsewhere(m)
        return
    m.on_ticket(visit_round=m.ticket.visit_round or 1)
    for duty in m.duties(Obligation.REVISIT):
        m.change(Duty, duty.id, next_at=duty.due_at)
    m.ticket_to(State.REVISIT_AUTO)


def _elsewhere(m: Mover) -> None:
    """Q45: 12351 visits by itself and its results are imported; one still missing when due goes to a person (A34)."""
    due = max((d.due_at for d in m.duties(Obligation.REVISIT)), default=m.at)
    if m.at >= due:
        to_a_person(m, why="not_imported")
        return
    raise Refused("visited_elsewhere", until=due.isoformat())


def to_a_person(m: Mover, why: str = "") -> None:
    """T25: start a manual visit, due in two working days; danger makes it urgent and notifies more roles (7.3)."""
    m.void(Obligation.REVISIT, keep_late=True)
    danger = why == "danger"
    limit = m.world.rules.text("visit.manual.urgent_limit" if danger else "visit.manual.limit")
    due = m.world.later(limit, m.at, m.ticket.management)
    m.start(Obligation.REVISIT, due, unit=m.ticket.management, grade=Grade.URGENT if danger else None)
    m.on_ticket(visit_round=m.ticket.visit_round or 1)
    m.ticket_to(State.REVISIT_MANUAL)
    told = m.world.people(m.ticket.management or "", *(AT_ONCE if danger else AT_ONCE[:1]))
    m.tell("M25v", told, urgent=danger or None, why=why)


def visit(m: Mover) -> None:
    """T24-T26: record a visit's result. An automatic 不满意 is provisional; a person's result is final (B42)."""
    words, answer = m.words, Answer(m.words["answer"])
    manual = words["kind"] == "manual"
    if m.ticket.state is State.REVISIT_MANUAL and not manual:
        raise Refused("not_now", state=m.ticket.state)
    lead = m.snap.lead
    if manual and m.act.source is not Source.IMPORT:
        _by_the_rules(m, answer)
    at = words.get("at") or m.at
    final, deemed = _verdict(m, answer, manual)
    if final and deemed:
        m.line_words["deemed"] = True  # beside the answer, never instead of it (Q36)
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
        to_a_person(m, words["because"] or ("sampled" if words["sampled"] else ""))


def _by_the_rules(m: Mover, answer: Answer) -> None:
    """Check the second person (not who handled or reviewed it), the note, and that silence is not too early (Q36)."""
    lead = m.snap.lead
    busy = {lead.signed_by, lead.replied_by, lead.closed_by} if lead else set()
    busy |= {r.decided_by for r in m.snap.requests}
    if m.by.code in busy:
        raise Refused("same_person", by=m.by.code)
    at = m.words.get("at")
    if at is not None and (at > m.at or answer in SILENT):  # an attempt counts when it is made, not when it is claimed
        raise Refused("bad_field", field="at")
    if answer in WORDS_NEEDED and not m.words["note"]:
        raise Refused("note_missing", field="note")
    if answer is Answer.NO_REPLY and (lack := _lacking(m, besides=m.at)):
        raise Refused("attempts_missing", **lack)


def _verdict(m: Mover, answer: Answer, manual: bool) -> tuple[bool, bool]:
    """Return (final, deemed) for an answer: T24, T25 automatic, T26 and Q36 manual."""
    if answer in GOOD:
        return True, False
    if answer is Answer.UNSATISFIED:
        return manual, False
    if not manual:
        return not (m.words["want_person"] or m.words["sampled"]), True
    if answer is Answer.UNREACHED and m.act.source is not Source.IMPORT:  # an import means exhausted (contract §4)
        return not _lacking(m, besides=m.at), True
    return True, True


def _lacking(m: Mover, besides: datetime) -> dict[str, int]:
    """Return what is missing before silence may be deemed satisfied (Q36): attempts, days, parts of the day."""
    rules, round_ = m.world.rules, max(m.ticket.visit_round, 1)
    times = [v.at for v in m.snap.visits if v.kind == "manual" and v.answer == Answer.UNREACHED and v.round == round_]
    local = [t.astimezone(m.world.now.tzinfo) for t in (*times, besides)]
    return lacking(local, ManualRule(rules.integer("visit.manual.attempts"), rules.integer("visit.manual.min_days")))


def _finalize(m: Mover, *, deemed: bool) -> None:
    m.meet(Obligation.REVISIT)
    release(m)
    m.on_ticket(deemed=deemed)
    m.ticket_to(State.FINALIZED)


def rework(m: Mover) -> None:
    """T27 重办: a justified dissatisfaction goes back once more; no second 办结 (Q22)."""
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
    """T26 结案 by hand: only if no visit is owed, or its result is already there."""
    scope = m.world.rules.listing("visit.categories")
    owed = ("all" in scope or (m.ticket.category or "") in scope) and not m.ticket.no_visit
    heard = any(v.final and v.round == max(m.ticket.visit_round, 1) for v in m.snap.visits)
    if owed and not heard:
        raise Refused("visit_missing")
    _finalize(m, deemed=m.ticket.deemed)
