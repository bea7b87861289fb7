"""标记: mass incident, hard case, confidential: proposed by one person and decided by another (Q32, B21, B27)."""

from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Assignment, Duty, Request
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Obligation, Role
from backend.domain.verb_fields import PROPOSED_FLAGS


def flag(m: PlanBuilder) -> None:
    """Q32: a flag that changes due times, scoring or who may read is decided by a second person.

    Two take effect at once: secrecy requested by the institution, because it protects the requester (lifting it does
    not); and a hard case named by the unit, which asks for help and gains nothing by it, while the institution would
    (B27). Raises Refused `bad_field`, `already_there`, `already_asked`.
    """
    named = {name: m.arguments[name] for name in PROPOSED_FLAGS if m.arguments.get(name) is not None}
    if not named:
        raise Refused("bad_field", field="mass_incident")
    for name, on in named.items():
        if m.find_pending(name):
            raise Refused("already_asked", kind=name)
        if (name in m.ticket.flags) is on:
            raise Refused("already_there", flag=name)
        if on and name == ("hard_case" if m.by.is_unit_member else "confidential"):
            m.set_flag(name)
            _notify_coordinators(m, name)
            continue
        m.add_request(name, of_ticket=True, on=on, reason=m.arguments["reason"])
        m.notify(
            "review_requested",
            m.office.people(m.ticket.management or "", Role.REVIEWER),
            reason=m.arguments["reason"],
            what=name,
        )


def _notify_coordinators(m: PlanBuilder, name: str) -> None:
    """B21: notify those who bring the units concerned together about a hard case."""
    if name == "hard_case":
        people = m.office.people(m.ticket.management or "", Role.DISPATCHER, Role.SUPERVISOR)
        m.notify("coordination_requested", people, reason=m.arguments["reason"])


def decide_flag(m: PlanBuilder) -> None:
    """Q32: a mass incident approved by a second person leaves both on-time items and gets no card.

    If several wait, `flag` names one, else the oldest is decided. Raises Refused `nothing_pending`, `same_person`.
    """
    request = _find_waiting(m)
    m.decide_request(request, m.arguments["accept"], m.arguments["reason"])
    m.entry_arguments["decided"] = request.kind
    if not m.arguments["accept"]:
        return
    on = bool(request.facts.get("on", True))
    m.set_flag(request.kind, on)
    if request.kind == "mass_incident":
        (_take_back_card if on else _recheck_close)(m)


def _find_waiting(m: PlanBuilder) -> Request:
    names = (m.arguments["flag"],) if m.arguments.get("flag") else PROPOSED_FLAGS
    waiting = [r for r in m.snapshot.requests if r.kind in names and r.decision is None]
    if not waiting:
        raise Refused("nothing_pending", kind=names[0])
    return min(waiting, key=lambda r: (r.asked_at, r.id))


def _take_back_card(m: PlanBuilder) -> None:
    """Q32: take back the cards issued before the approval, of earlier units too (XD1); the journal keeps the last."""
    for one in m.snapshot.assignments:
        if one.red_card_at:
            m.entry_arguments["card_taken_back"] = one.red_card_at
            m.update_row(Assignment, one.id, red_card_at=None)
            m.set_flag("red", on=False)
            m.redraw.add(one.id)


def _recheck_close(m: PlanBuilder) -> None:
    """Not a mass incident after all: have the clock check the closing time again."""
    for duty in m.open_duties(Obligation.CLOSE):
        if duty.outcome is None:
            m.update_row(Duty, duty.id, check_at=min(duty.check_at or duty.due_at, duty.due_at))
