"""A unit passes a ticket down to its own child: 交办 keeps the lead, 转办 gives it away (A2, A4, A5, XM2)."""

from datetime import datetime

from backend.domain.moves.dispatching import check_not_there, create_assignment, replace_assignment
from backend.domain.plan_builder import PlanBuilder
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Obligation, Role


def hand_on(m: PlanBuilder) -> None:
    """T5c 交办、转办: to a unit right below; its clocks end no later than what the requester was promised.

    Refused `not_below`, `already_there`, `deadline_beyond`, `deadline_past`, and as a dispatch.
    """
    above, code = m.assignment, m.arguments["unit"]
    unit = m.office.find_unit(code)
    if unit is None or unit.parent != above.unit:
        raise Refused("not_below", unit=code)
    check_not_there(m, code)
    if m.arguments["dispatch_kind"] == "transfer":
        colleagues = [p for p in m.office.people(above.unit, Role.HANDLER) if p.code != m.by.code]
        replace_assignment(m, colleagues, "handed_on", _find_close_due(m, above.close_due_at))
        m.target = above  # the entry is about what this unit gave away
    else:
        own_limit = m.office.due(Obligation.CLOSE, m.ticket.grade, m.ticket.category, m.at, code)
        latest = above.close_due_at if above.close_due_at > m.at else own_limit  # overdue: the help has a limit, too
        create_assignment(m, code, lead=False, close_due=_find_close_due(m, latest))
        m.redraw.add(above.id)
    m.entry_arguments["from"] = above.unit


def tell_above(m: PlanBuilder) -> None:
    """XM2: the part this unit was entrusted with is closed; tell those of the unit above, which keeps the lead (M35)."""
    unit = m.office.find_unit(m.assignment.unit)
    above = next((a for a in m.snapshot.assignments if unit and a.unit == unit.parent and a.ended_at is None), None)
    if above is not None and not m.assignment.lead:
        text = m.arguments.get("text") or m.assignment.reply_text or ""
        m.notify("part_closed", m.office.people(above.unit, Role.HANDLER), text=text)


def _find_close_due(m: PlanBuilder, latest: datetime) -> datetime:
    """Return when the child is to have closed: as named, else with the unit above. Refused `deadline_beyond`."""
    due: datetime = m.arguments.get("close_due_at") or latest
    if due > latest:
        raise Refused("deadline_beyond", latest=latest.isoformat(), field="close_due_at")
    return due
