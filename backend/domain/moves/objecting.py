"""Objections to a red card: the unit gives its reason, another person decides (Q33, M8)."""

from backend.domain.mover import Mover
from backend.domain.refusals import Refused
from backend.domain.ticket import Role

WINDOW = "appeal_window"  # setting key; M8 states the window to the unit


def object_(m: Mover) -> None:
    """T16b 提出异议: once per red card, within the window after it; the card stands until this is decided.

    Refused `nothing_to_object` (no red card), `already_asked`, `window_closed`.
    """
    carded = m.assignment.red_card_at
    if carded is None:
        raise Refused("nothing_to_object")
    if any(r.kind == "objection" and r.assignment_id == m.assignment.id for r in m.snap.requests):
        raise Refused("already_asked", kind="objection")
    window = m.world.rules.text(WINDOW)
    if m.at.replace(microsecond=0) > m.world.later(window, carded, m.assignment.unit):
        raise Refused("window_closed", window=window)
    m.ask("objection", reason=m.words["reason"], red_card_at=carded.isoformat())
    reviewers = m.world.people(m.ticket.management or "", Role.REVIEWER)
    m.tell("M9r", reviewers, reason=m.words["reason"], what="objection")


def decide_objection(m: Mover) -> None:
    """T16c: accepted, the card is taken back and no longer counts; the closing stays late, the journal keeps both."""
    request = m.pending("objection")
    if request is None:
        raise Refused("nothing_pending", kind="objection")
    m.decide(request, m.words["accept"], m.words["reason"])
    if m.words["accept"]:
        m.set(red_card_at=None)
        if m.assignment.id == m.ticket.lead_id:
            m.flag("red", on=False)
        m.redraw.add(m.assignment.id)
    handlers = m.world.people(m.assignment.unit, Role.HANDLER, Role.LIAISON)
    m.tell("M8d", handlers, accepted=m.words["accept"], reason=m.words["reason"])
