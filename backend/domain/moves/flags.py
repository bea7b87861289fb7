"""标记: mass incident, hard case, confidential: proposed by one person and decided by another (Q32, B21, B27)."""

from backend.domain.mover import Mover
from backend.domain.records import Assignment, Duty, Request
from backend.domain.refusals import Refused
from backend.domain.ticket import Obligation, Role
from backend.domain.words import FLAGGED


def flag(m: Mover) -> None:
    """Q32: a flag that changes due times, scoring or who may read is decided by a second person.

    Two take effect at once: secrecy requested by the institution, because it protects the requester (lifting it does
    not); and a hard case named by the unit, which asks for help and gains nothing by it, while the institution would
    (B27). Raises Refused `bad_field`, `already_there`, `already_asked`.
    """
    named = {name: m.words[name] for name in FLAGGED if m.words.get(name) is not None}
    if not named:
        raise Refused("bad_field", field="mass_incident")
    for name, on in named.items():
        if m.pending(name):
            raise Refused("already_asked", kind=name)
        if (name in m.ticket.flags) is on:
            raise Refused("already_there", flag=name)
        if on and name == ("hard_case" if m.by.of_unit else "confidential"):
            m.flag(name)
            _bring_together(m, name)
            continue
        m.ask(name, of_ticket=True, on=on, reason=m.words["reason"])
        m.tell("M9r", m.world.people(m.ticket.management or "", Role.REVIEWER), reason=m.words["reason"], what=name)


def _bring_together(m: Mover, name: str) -> None:
    """B21: notify those who bring the units concerned together about a hard case."""
    if name == "hard_case":
        people = m.world.people(m.ticket.management or "", Role.DISPATCHER, Role.SUPERVISOR)
        m.tell("M29", people, reason=m.words["reason"])


def decide_flag(m: Mover) -> None:
    """Q32: a mass incident approved by a second person leaves both on-time items and gets no card.

    If several wait, `flag` names one, else the oldest is decided. Raises Refused `nothing_pending`, `same_person`.
    """
    request = _waiting(m)
    m.decide(request, m.words["accept"], m.words["reason"])
    m.line_words["decided"] = request.kind
    if not m.words["accept"]:
        return
    on = bool(request.facts.get("on", True))
    m.flag(request.kind, on)
    if request.kind == "mass_incident":
        (_no_card if on else _card_again)(m)


def _waiting(m: Mover) -> Request:
    names = (m.words["flag"],) if m.words.get("flag") else FLAGGED
    waiting = [r for r in m.snap.requests if r.kind in names and r.decision is None]
    if not waiting:
        raise Refused("nothing_pending", kind=names[0])
    return min(waiting, key=lambda r: (r.asked_at, r.id))


def _no_card(m: Mover) -> None:
    """Q32: take back a card issued before the approval; the journal keeps it."""
    lead = m.snap.lead
    if lead and lead.red_card_at:
        m.line_words["card_taken_back"] = lead.red_card_at
        m.change(Assignment, lead.id, red_card_at=None)
        m.flag("red", on=False)
        m.redraw.add(lead.id)


def _card_again(m: Mover) -> None:
    """Not a mass incident after all: have the clock check the closing time again."""
    for duty in m.duties(Obligation.CLOSE):
        if duty.outcome is None:
            m.change(Duty, duty.id, next_at=min(duty.next_at or duty.due_at, duty.due_at))
