"""Objections to a red card: the unit gives its reason, another person decides (Q33, M8)."""

from backend.domain.plan_builder import PlanBuilder
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role

WINDOW_KEY = "appeal_window"  # setting key; M8 states the window to the unit


def object_(m: PlanBuilder) -> None:
    """T16b 提出异议: once per red card, within the window after it; the card stands until this is decided.

    Refused `nothing_to_object` (no red card), `already_asked`, `window_closed`.
    """
    carded = m.assignment.red_card_at
    if carded is None:
        raise Refused("nothing_to_object")
    if any(r.kind == "objection" and r.assignment_id == m.assignment.id for r in m.snapshot.requests):
        raise Refused("already_asked", kind="objection")
    window = m.office.settings.text(WINDOW_KEY)
    if m.at.replace(microsecond=0) > m.office.add_limit(window, carded, m.assignment.unit):
        raise Refused("window_closed", window=window)
    m.add_request("objection", reason=m.arguments["reason"], red_card_at=carded.isoformat())
    reviewers = m.office.people(m.ticket.management or "", Role.REVIEWER)
    m.notify("review_requested", reviewers, reason=m.arguments["reason"], what="objection")


def decide_objection(m: PlanBuilder) -> None:
    """T16c: accepted, the card is taken back and no longer counts; the closing stays late, the journal keeps both."""
    request = m.find_pending("objection")
    if request is None:
        raise Refused("nothing_pending", kind="objection")
    m.decide_request(request, m.arguments["accept"], m.arguments["reason"])
    if m.arguments["accept"]:
        m.update_assignment(red_card_at=None)
        if m.assignment.id == m.ticket.lead_id:
            m.set_flag("red", on=False)
        m.redraw.add(m.assignment.id)
    handlers = m.office.people(m.assignment.unit, Role.HANDLER, Role.LIAISON)
    m.notify("objection_decided", handlers, accepted=m.arguments["accept"], reason=m.arguments["reason"])
