"""Requests one person makes and another decides: returns, extensions, unreasonable claims (B34-B40, Q20, Q30, Q38)."""

from datetime import datetime

from backend.domain.limits import Limit
from backend.domain.moves.assisting import release_assisting, require_lead
from backend.domain.moves.dispatching import create_assignment, is_reply_due_with_close
from backend.domain.moves.handling import recheck_close
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Duty, Request
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Obligation, Outcome, Role, State


def return_(m: PlanBuilder) -> None:
    """T8 申请退单: after signing; reason, statement and seal or signature; late is allowed but counted (B35)."""
    rules, target = m.office.settings, m.assignment
    if rules.flag("return.requires_statement") and not m.arguments["files"]:
        raise Refused("files_missing", field="files")
    if rules.flag("return.requires_signature") and not m.arguments["signed_by"]:
        raise Refused("signature_missing", field="signed_by")
    arbitration = target.lead and _is_arbitration(m)
    window = next(iter(m.open_duties(Obligation.RETURN, assignment_id=target.id)), None)
    due = window.due_at if window else target.sign_due_at
    timely = m.at.replace(microsecond=0) <= due and target.sign_method != "auto"  # B35
    if window:
        outcome = Outcome.TIMELY if timely else Outcome.LATE
        m.update_row(Duty, window.id, met_at=m.at, outcome=outcome, check_at=None)
    request = m.add_request(
        "return", timely=timely, reason=m.arguments["reason"], reason_code=m.arguments["reason_code"],
        files=list(m.arguments["files"]), signed_by=m.arguments["signed_by"], due=due.isoformat(), arbitration=arbitration,
    )  # fmt: skip
    m.entry_arguments["timely"] = timely
    m.entry_arguments["arbitration"] = arbitration or None
    m.move_to(State.RETURN_REVIEW)
    m.notify_actor("return_submitted", timely=timely, review_due=_iso(request))
    reviewers = m.office.people(m.ticket.management or "", Role.REVIEWER)
    what = "arbitration" if arbitration else "return"
    m.notify("review_requested", reviewers, reason=m.arguments["reason"], what=what, review_due=_iso(request))


def _is_arbitration(m: PlanBuilder) -> bool:
    """A19, Q44: return whether this return is the one (`return.arbitrate_after`) that the institution decides for good.

    Raises Refused `return_arbitrated` once it has been decided: the unit named then cannot return the ticket.
    """
    leads = {a.id for a in m.snapshot.assignments if a.lead}
    decided = [r for r in m.snapshot.requests if r.kind == "return" and r.decision in ("accepted", "refused")
               and r.assignment_id in leads]  # fmt: skip
    limit = m.office.settings.integer("return.arbitrate_after")
    if m.ticket.return_count >= limit or any(r.facts.get("arbitration") for r in decided):
        raise Refused("return_arbitrated", returns=len(decided))
    return len(decided) + 1 >= limit


def decide_return(m: PlanBuilder) -> None:
    """T9, T10: accepted, the unit is released and the institution must dispatch again; refused, the unit carries on.

    An arbitration is final, and may name the unit that handles the ticket from now on (Q44).
    """
    request = _require_pending(m, "return")
    arbitration = bool(request.facts.get("arbitration"))
    if m.arguments["unit"] and not (arbitration and m.arguments["accept"]):
        raise Refused("bad_field", field="unit")
    if m.arguments["unit"] == m.assignment.unit:
        raise Refused("already_there", unit=m.arguments["unit"])
    m.decide_request(request, m.arguments["accept"], m.arguments["reason"])
    target = m.assignment
    handlers = m.office.people(target.unit, Role.HANDLER)
    if m.arguments["accept"]:
        m.void_duties(Obligation.CLOSE, Obligation.CONTACT, Obligation.REPLY, assignment_id=target.id)
        m.update_assignment(state=State.RETURNED, version=target.version + 1, ended_at=m.at)
        m.redraw.add(target.id)
        m.notify("return_accepted", handlers)
        m.to_state = State.RETURNED
        if target.id == m.ticket.lead_id:
            m.to_state = State.PENDING_DISPATCH
            m.set_flag("yellow", on=False)
            m.set_flag("red", on=False)
            m.update_ticket(return_count=m.ticket.return_count + 1)
            _forward_returned(m)
        return
    _reopen_return_window(m, request, again=not arbitration)
    extended = _add_review_delay(m, request)
    m.move_to(State.SIGNED)
    m.notify(
        "return_arbitrated" if arbitration else "return_refused",
        handlers,
        reason=m.arguments["reason"],
        extended=extended,
    )


def _forward_returned(m: PlanBuilder) -> None:
    """T9: dispatch to the unit the arbitration names; else back to the institution until it dispatches again."""
    if m.arguments["unit"]:
        release_assisting(m, State.CANCELLED, only=m.arguments["unit"])
        new = create_assignment(m, m.arguments["unit"], lead=True)
        m.to_state = State.DISPATCHED
        m.update_ticket(state=State.DISPATCHED, lead_id=new.id)
        return
    m.update_ticket(state=State.PENDING_DISPATCH, lead_id=None)
    due = m.office.add_limit(m.office.settings.text("dispatch.again.limit"), m.at, m.ticket.management)
    m.start_duty(Obligation.DISPATCH, due, unit=m.ticket.management)


def _reopen_return_window(m: PlanBuilder, request: Request, *, again: bool) -> None:
    """Q20: a refused request is shown, not scored; its duty is void and a new one keeps the same window."""
    target = m.assignment
    for duty in m.snapshot.duties:
        if duty.kind is Obligation.RETURN and duty.assignment_id == target.id and duty.met_at == request.asked_at:
            m.update_row(Duty, duty.id, outcome=Outcome.VOID)
            if again:
                m.start_duty(Obligation.RETURN, duty.due_at, assignment=target, start=duty.start_at, watched=False)


def _add_review_delay(m: PlanBuilder, request: Request) -> bool:
    """T10: add the reviewer's time beyond the review limit to the close limit: office time, urgent clock time.

    A red card issued while the unit waited is taken back; the clock issues another if the new time passes. Returns
    whether the review was late.
    """
    limit, target = request.review_due_at, m.assignment
    if limit is None or m.at.replace(microsecond=0) <= limit:
        return False
    for duty in m.open_duties(Obligation.CLOSE, assignment_id=target.id):
        waited = target.red_card_at is not None and target.red_card_at > request.asked_at
        if duty.outcome is None or waited:
            move_close_due(m, duty, m.office.with_review_time(duty.due_at, limit, m.at, duty.grade, target.unit))
        if waited:
            m.entry_arguments["card_taken_back"] = target.red_card_at
            m.update_row(Duty, duty.id, outcome=None)
            m.update_assignment(red_card_at=None)
            m.set_flag("red", on=False)
    return True


def move_close_due(m: PlanBuilder, close: Duty, due: datetime) -> None:
    """Move the closing time; a reply owed by then moves with it (A12)."""
    target = m.assignment
    look = m.office.first_check(Obligation.CLOSE, close.grade, m.at, due, target.unit)
    m.update_row(Duty, close.id, due_at=due, check_at=look, reminder_step=0)
    m.update_assignment(close_due_at=due)
    if is_reply_due_with_close(m):
        for reply in m.open_duties(Obligation.REPLY, assignment_id=target.id):
            m.update_row(Duty, reply.id, due_at=due)


def extend(m: PlanBuilder) -> None:
    """T13 申请延期: before it is due, at most twice, with the requester informed of the reason (A24, B39, Q30)."""
    rules, target = m.office.settings, require_lead(m)
    granted = target.extension_count
    if granted >= rules.integer("extension.max"):
        raise Refused("too_many_extensions", granted=granted)
    if rules.flag("extension.request_before_due") and m.at >= target.close_due_at:
        raise Refused("past_due", due=target.close_due_at.isoformat())
    new_due = m.arguments["new_due_at"]
    if new_due <= target.close_due_at:
        raise Refused("bad_field", field="new_due_at")
    limit = rules.text("extension.max_length")
    longest = m.office.add_limit(limit, target.close_due_at, target.unit)
    if new_due > longest:
        raise Refused("extension_too_long", latest=longest.isoformat(), days=Limit.parse(limit).workdays)
    request = m.add_request(
        "extension", new_due_at=new_due.isoformat(), reason=m.arguments["reason"], reason_class=m.arguments["reason_class"],
        requester_informed=m.arguments["requester_informed"], old_due_at=target.close_due_at.isoformat(),
    )  # fmt: skip
    m.move_to(State.EXTENSION_REVIEW)
    m.notify_actor("extension_submitted", n=granted + 1, new_due=new_due.isoformat(), review_due=_iso(request))
    reviewers = m.office.people(m.ticket.management or "", Role.REVIEWER)
    m.notify("review_requested", reviewers, reason=m.arguments["reason"], what="extension", review_due=_iso(request),
           new_due=new_due.isoformat())  # fmt: skip


def decide_extension(m: PlanBuilder) -> None:
    """T14: granted, a new due time; refused, the old one, and a card withheld meanwhile is due again (Q30).

    What was replied meanwhile stays replied (XM20).
    """
    request = _require_pending(m, "extension")
    m.decide_request(request, m.arguments["accept"], m.arguments["reason"])
    target = m.assignment
    handlers = m.office.people(target.unit, Role.HANDLER)
    if m.arguments["accept"]:
        due = m.at.fromisoformat(str(request.facts["new_due_at"]))
        count = target.extension_count + 1
        m.update_assignment(close_due_at=due, extension_count=count, yellow_card_at=None)
        m.set_flag("yellow", on=False)  # the new limit has a yellow card of its own
        for close in m.open_duties(Obligation.CLOSE, assignment_id=target.id):
            move_close_due(m, close, due)
        m.entry_arguments["new_due_at"] = due.isoformat()
        m.notify("extension_accepted", handlers, n=count, new_due=due.isoformat())
    else:
        recheck_close(m)
        m.notify("extension_refused", handlers, reason=m.arguments["reason"])
    m.move_to(State.REPLIED if m.from_state is State.REPLIED else State.SIGNED)


def claim_unreasonable(m: PlanBuilder) -> None:
    """T28 不合理诉求: within the window after a final unsatisfied result, with evidence (Q38)."""
    require_lead(m)
    if m.ticket.final_answer != "unsatisfied":
        raise Refused("not_unsatisfied")
    if any(r.kind == "unreasonable" for r in m.snapshot.requests):
        raise Refused("already_asked", kind="unreasonable")
    if not m.arguments["files"]:
        raise Refused("files_missing", field="files")
    final = next((v for v in reversed(m.snapshot.visits) if v.decisive), None)
    window = m.office.settings.text("unreasonable_window")
    if final and m.at.replace(microsecond=0) > m.office.add_limit(window, final.at, m.ticket.management):
        raise Refused("window_closed", window=window)
    m.add_request(
        "unreasonable", limit="unreasonable_window", reason=m.arguments["reason"], files=list(m.arguments["files"])
    )
    m.move_ticket_to(State.UNREASONABLE_REVIEW)
    reviewers = m.office.people(m.ticket.management or "", Role.REVIEWER)
    m.notify("review_requested", reviewers, reason=m.arguments["reason"], what="unreasonable")


def decide_unreasonable(m: PlanBuilder) -> None:
    """T29: decided by someone who neither dispatched nor visited; the rating itself is never edited."""
    request = _require_pending(m, "appeal") if m.find_pending("appeal") else _require_pending(m, "unreasonable")
    involved = {a.dispatched_by for a in m.snapshot.assignments} | {v.by for v in m.snapshot.visits}
    first = [r.decided_by for r in m.snapshot.requests if r.kind == "unreasonable" and r.decision]
    if m.by.code in involved or (request.kind == "appeal" and m.by.code in first):
        raise Refused("same_person", by=m.by.code)
    if m.arguments["accept"] and not m.arguments.get("class"):
        raise Refused("bad_field", field="class")
    m.decide_request(request, m.arguments["accept"], m.arguments["reason"])
    m.update_ticket(unreasonable=m.arguments["accept"])
    m.move_ticket_to(State.FINALIZED)
    lead = m.snapshot.lead
    if lead:
        m.notify("unreasonable_decided", m.office.people(lead.unit, Role.HANDLER, Role.LIAISON), accepted=m.arguments["accept"],
               reason=m.arguments["reason"], appealable=request.kind == "unreasonable")  # fmt: skip


def appeal(m: PlanBuilder) -> None:
    """T29b: one appeal against a refused claim, decided by yet another person."""
    require_lead(m)
    refused = [r for r in m.snapshot.requests if r.kind == "unreasonable" and r.decision == "refused"]
    if not refused:
        raise Refused("nothing_to_appeal")
    if any(r.kind == "appeal" for r in m.snapshot.requests):
        raise Refused("already_asked", kind="appeal")
    decided = refused[-1].decided_at
    window = m.office.settings.text("appeal_window")
    if decided and m.at.replace(microsecond=0) > m.office.add_limit(window, decided, m.ticket.management):
        raise Refused("window_closed", window=window)
    m.add_request("appeal", limit="unreasonable_window", reason=m.arguments["reason"])
    m.move_ticket_to(State.UNREASONABLE_REVIEW)
    first = refused[-1].decided_by
    others = [p for p in m.office.people(m.ticket.management or "", Role.REVIEWER) if p.code != first]
    others = others or [p for p in m.office.people(m.ticket.management or "", Role.ADMIN) if p.code != first]
    m.notify("review_requested", others, reason=m.arguments["reason"], what="appeal")


def _require_pending(m: PlanBuilder, kind: str) -> Request:
    request = m.find_pending(kind)
    if request is None:
        raise Refused("nothing_pending", kind=kind)
    return request


def _iso(request: Request) -> str:
    return request.review_due_at.isoformat() if request.review_due_at else ""
