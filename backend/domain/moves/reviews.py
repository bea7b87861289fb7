"""Requests one person makes and another decides: returns, extensions, unreasonable claims (B34-B40, Q20, Q30, Q38)."""

from datetime import datetime

from backend.domain.mover import Mover
from backend.domain.moves.assisting import lead_only, release
from backend.domain.moves.handling import wake_close
from backend.domain.moves.sending import give, with_close
from backend.domain.records import Duty, Request
from backend.domain.refusals import Refused
from backend.domain.ticket import Obligation, Outcome, Role, State


def return_(m: Mover) -> None:
    """T8 申请退单: after signing; reason, statement and seal or signature; late is allowed but counted (B35)."""
    rules, target = m.world.rules, m.assignment
    if rules.flag("return.requires_statement") and not m.words["files"]:
        raise Refused("files_missing", field="files")
    if rules.flag("return.requires_signature") and not m.words["signed_by"]:
        raise Refused("signature_missing", field="signed_by")
    arbitration = target.lead and _arbitrated(m)
    window = next(iter(m.duties(Obligation.RETURN, assignment_id=target.id)), None)
    due = window.due_at if window else target.sign_due_at
    timely = m.at.replace(microsecond=0) <= due and target.signed != "auto"  # B35
    if window:
        outcome = Outcome.TIMELY if timely else Outcome.LATE
        m.change(Duty, window.id, met_at=m.at, outcome=outcome, next_at=None)
    request = m.ask(
        "return", timely=timely, reason=m.words["reason"], reason_code=m.words["reason_code"],
        files=list(m.words["files"]), signed_by=m.words["signed_by"], due=due.isoformat(), arbitration=arbitration,
    )  # fmt: skip
    m.line_words["timely"] = timely
    m.line_words["arbitration"] = arbitration or None
    m.to(State.RETURN_REVIEW)
    m.tell_actor("M9", timely=timely, review_due=_iso(request))
    reviewers = m.world.people(m.ticket.management or "", Role.REVIEWER)
    what = "arbitration" if arbitration else "return"
    m.tell("M9r", reviewers, reason=m.words["reason"], what=what, review_due=_iso(request))


def _arbitrated(m: Mover) -> bool:
    """A19, Q44: return whether this return is the one (`return.arbitrate_after`) that the institution decides for good.

    Raises Refused `return_arbitrated` once it has been decided: the unit named then cannot return the ticket.
    """
    leads = {a.id for a in m.snap.assignments if a.lead}
    decided = [r for r in m.snap.requests if r.kind == "return" and r.decision in ("accepted", "refused")
               and r.assignment_id in leads]  # fmt: skip
    limit = m.world.rules.integer("return.arbitrate_after")
    if m.ticket.bounces >= limit or any(r.facts.get("arbitration") for r in decided):
        raise Refused("return_arbitrated", returns=len(decided))
    return len(decided) + 1 >= limit


def decide_return(m: Mover) -> None:
    """T9, T10: accepted, the unit is released and the institution must dispatch again; refused, the unit carries on.

    An arbitration is final, and may name the unit that handles the ticket from now on (Q44).
    """
    request = _pending(m, "return")
    arbitration = bool(request.facts.get("arbitration"))
    if m.words["unit"] and not (arbitration and m.words["accept"]):
        raise Refused("bad_field", field="unit")
    if m.words["unit"] == m.assignment.unit:
        raise Refused("already_there", unit=m.words["unit"])
    m.decide(request, m.words["accept"], m.words["reason"])
    target = m.assignment
    handlers = m.world.people(target.unit, Role.HANDLER)
    if m.words["accept"]:
        m.void(Obligation.CLOSE, Obligation.CONTACT, Obligation.REPLY, assignment_id=target.id)
        m.set(state=State.RETURNED, version=target.version + 1, ended_at=m.at)
        m.redraw.add(target.id)
        m.tell("M10", handlers)
        m.to_state = State.RETURNED
        if target.id == m.ticket.lead_id:
            m.to_state = State.PENDING_DISPATCH
            m.flag("yellow", on=False)
            m.flag("red", on=False)
            m.on_ticket(bounces=m.ticket.bounces + 1)
            _send_on(m)
        return
    _reopen_return_window(m, request, again=not arbitration)
    excess = _excess(m, request)
    m.to(State.SIGNED)
    m.tell("M11a" if arbitration else "M11", handlers, reason=m.words["reason"], extended=excess)


def _send_on(m: Mover) -> None:
    """T9: dispatch to the unit the arbitration names; else back to the institution until it dispatches again."""
    if m.words["unit"]:
        release(m, State.CANCELLED, only=m.words["unit"])
        new = give(m, m.words["unit"], lead=True)
        m.to_state = State.DISPATCHED
        m.on_ticket(state=State.DISPATCHED, lead_id=new.id)
        return
    m.on_ticket(state=State.PENDING_DISPATCH, lead_id=None)
    due = m.world.later(m.world.rules.text("dispatch.again.limit"), m.at, m.ticket.management)
    m.start(Obligation.DISPATCH, due, unit=m.ticket.management)


def _reopen_return_window(m: Mover, request: Request, *, again: bool) -> None:
    """Q20: a refused request is shown, not scored; its duty is void and a new one keeps the same window."""
    target = m.assignment
    for duty in m.snap.duties:
        if duty.kind is Obligation.RETURN and duty.assignment_id == target.id and duty.met_at == request.asked_at:
            m.change(Duty, duty.id, outcome=Outcome.VOID)
            if again:
                m.start(Obligation.RETURN, duty.due_at, assignment=target, start=duty.start_at, watched=False)


def _excess(m: Mover, request: Request) -> bool:
    """T10: add the reviewer's time beyond the review limit to the close limit: office time, urgent clock time.

    A red card issued while the unit waited is taken back; the clock issues another if the new time passes. Returns
    whether the review was late.
    """
    limit, target = request.review_due_at, m.assignment
    if limit is None or m.at.replace(microsecond=0) <= limit:
        return False
    for duty in m.duties(Obligation.CLOSE, assignment_id=target.id):
        waited = target.red_card_at is not None and target.red_card_at > request.asked_at
        if duty.outcome is None or waited:
            move_close(m, duty, m.world.given_back(duty.due_at, limit, m.at, duty.grade, target.unit))
        if waited:
            m.line_words["card_taken_back"] = target.red_card_at
            m.change(Duty, duty.id, outcome=None)
            m.set(red_card_at=None)
            m.flag("red", on=False)
    return True


def move_close(m: Mover, close: Duty, due: datetime) -> None:
    """Move the closing time; a reply owed by then moves with it (A12)."""
    target = m.assignment
    look = m.world.first_look(Obligation.CLOSE, close.grade, m.at, due, target.unit)
    m.change(Duty, close.id, due_at=due, next_at=look, step=0)
    m.set(close_due_at=due)
    if with_close(m):
        for reply in m.duties(Obligation.REPLY, assignment_id=target.id):
            m.change(Duty, reply.id, due_at=due)


def extend(m: Mover) -> None:
    """T13 申请延期: before it is due, at most twice, with the requester informed of the reason (A24, B39, Q30)."""
    rules, target = m.world.rules, lead_only(m)
    granted = target.extension_count
    if granted >= rules.integer("extension.max"):
        raise Refused("too_many_extensions", granted=granted)
    if rules.flag("extension.request_before_due") and m.at >= target.close_due_at:
        raise Refused("past_due", due=target.close_due_at.isoformat())
    new_due = m.words["new_due_at"]
    if new_due <= target.close_due_at:
        raise Refused("bad_field", field="new_due_at")
    longest = m.world.later(rules.text("extension.max_length"), target.close_due_at, target.unit)
    if new_due > longest:
        raise Refused("extension_too_long", latest=longest.isoformat())
    request = m.ask(
        "extension", new_due_at=new_due.isoformat(), reason=m.words["reason"], reason_class=m.words["reason_class"],
        requester_informed=m.words["requester_informed"], old_due_at=target.close_due_at.isoformat(),
    )  # fmt: skip
    m.to(State.EXTENSION_REVIEW)
    m.tell_actor("M13", n=granted + 1, new_due=new_due.isoformat(), review_due=_iso(request))
    reviewers = m.world.people(m.ticket.management or "", Role.REVIEWER)
    m.tell("M9r", reviewers, reason=m.words["reason"], what="extension", review_due=_iso(request),
           new_due=new_due.isoformat())  # fmt: skip


def decide_extension(m: Mover) -> None:
    """T14: granted, a new due time; refused, the old one, and a card withheld meanwhile is due again (Q30)."""
    request = _pending(m, "extension")
    m.decide(request, m.words["accept"], m.words["reason"])
    target = m.assignment
    handlers = m.world.people(target.unit, Role.HANDLER)
    if m.words["accept"]:
        due = m.at.fromisoformat(str(request.facts["new_due_at"]))
        count = target.extension_count + 1
        m.set(close_due_at=due, extension_count=count, yellow_card_at=None)
        m.flag("yellow", on=False)  # the new limit has a yellow card of its own
        for close in m.duties(Obligation.CLOSE, assignment_id=target.id):
            move_close(m, close, due)
        m.line_words["new_due_at"] = due.isoformat()
        m.tell("M14", handlers, n=count, new_due=due.isoformat())
    else:
        wake_close(m)
        m.tell("M15", handlers, reason=m.words["reason"])
    m.to(State.SIGNED)


def claim_unreasonable(m: Mover) -> None:
    """T28 不合理诉求: within the window after a final unsatisfied result, with evidence (Q38)."""
    lead_only(m)
    if m.ticket.final_answer != "unsatisfied":
        raise Refused("not_unsatisfied")
    if any(r.kind == "unreasonable" for r in m.snap.requests):
        raise Refused("already_asked", kind="unreasonable")
    if not m.words["files"]:
        raise Refused("files_missing", field="files")
    final = next((v for v in reversed(m.snap.visits) if v.final), None)
    window = m.world.rules.text("unreasonable_window")
    if final and m.at.replace(microsecond=0) > m.world.later(window, final.at, m.ticket.management):
        raise Refused("window_closed", window=window)
    m.ask("unreasonable", limit="unreasonable_window", reason=m.words["reason"], files=list(m.words["files"]))
    m.ticket_to(State.UNREASONABLE_REVIEW)
    reviewers = m.world.people(m.ticket.management or "", Role.REVIEWER)
    m.tell("M9r", reviewers, reason=m.words["reason"], what="unreasonable")


def decide_unreasonable(m: Mover) -> None:
    """T29: decided by someone who neither dispatched nor visited; the rating itself is never edited."""
    request = _pending(m, "appeal") if m.pending("appeal") else _pending(m, "unreasonable")
    involved = {a.dispatched_by for a in m.snap.assignments} | {v.by for v in m.snap.visits}
    first = [r.decided_by for r in m.snap.requests if r.kind == "unreasonable" and r.decision]
    if m.by.code in involved or (request.kind == "appeal" and m.by.code in first):
        raise Refused("same_person", by=m.by.code)
    if m.words["accept"] and not m.words.get("class"):
        raise Refused("bad_field", field="class")
    m.decide(request, m.words["accept"], m.words["reason"])
    m.on_ticket(excluded=m.words["accept"])
    m.ticket_to(State.FINALIZED)
    lead = m.snap.lead
    if lead:
        m.tell("M20", m.world.people(lead.unit, Role.HANDLER, Role.LIAISON), accepted=m.words["accept"],
               reason=m.words["reason"], appealable=request.kind == "unreasonable")  # fmt: skip


def appeal(m: Mover) -> None:
    """T29b: one appeal against a refused claim, decided by yet another person."""
    lead_only(m)
    refused = [r for r in m.snap.requests if r.kind == "unreasonable" and r.decision == "refused"]
    if not refused:
        raise Refused("nothing_to_appeal")
    if any(r.kind == "appeal" for r in m.snap.requests):
        raise Refused("already_asked", kind="appeal")
    decided = refused[-1].decided_at
    window = m.world.rules.text("appeal_window")
    if decided and m.at.replace(microsecond=0) > m.world.later(window, decided, m.ticket.management):
        raise Refused("window_closed", window=window)
    m.ask("appeal", limit="unreasonable_window", reason=m.words["reason"])
    m.ticket_to(State.UNREASONABLE_REVIEW)
    first = refused[-1].decided_by
    others = [p for p in m.world.people(m.ticket.management or "", Role.REVIEWER) if p.code != first]
    others = others or [p for p in m.world.people(m.ticket.management or "", Role.ADMIN) if p.code != first]
    m.tell("M9r", others, reason=m.words["reason"], what="appeal")


def _pending(m: Mover, kind: str) -> Request:
    request = m.pending(kind)
    if request is None:
        raise Refused("nothing_pending", kind=kind)
    return request


def _iso(request: Request) -> str:
    return request.review_due_at.isoformat() if request.review_due_at else ""
