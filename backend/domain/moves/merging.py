"""并单: a repeat goes under its master, which counts it; both journals record it in one transaction (T4, Q23)."""

from backend.domain.acts import Act
from backend.domain.move_table import OPEN
from backend.domain.moves.assisting import release_assisting
from backend.domain.plan_builder import PlanBuilder
from backend.domain.records import Ticket
from backend.domain.refusals import Refused
from backend.domain.ticket_enums import Role, State


def merge(m: PlanBuilder) -> None:
    """T4 并单: the same requester with the same matter (or a reason why they are one); the repeat's duties are void.

    Raises Refused: `not_found`, `merge_itself`, `merge_chain`, `master_ended`, `not_same_matter`.
    """
    other = m.snapshot.other
    if other is None:
        raise Refused("not_found", ticket=m.arguments["into"])
    master = other.ticket
    if master.id == m.ticket.id:
        raise Refused("merge_itself", ticket=master.ticket_no)
    if master.merged_into is not None or m.ticket.merged_count:
        raise Refused("merge_chain", ticket=master.ticket_no if master.merged_into is not None else m.ticket.ticket_no)
    if master.state not in OPEN:
        raise Refused("master_ended", ticket=master.ticket_no, state=master.state)
    if not _is_same_matter(m.ticket, master) and not m.arguments["reason"]:
        raise Refused("not_same_matter", ticket=master.ticket_no)
    release_assisting(m, State.MERGED)
    m.void_duties()
    m.withdraw_requests()
    m.update_ticket(merged_into=master.id)
    m.move_ticket_to(State.MERGED)
    m.other_act = Act(
        "take_repeat",
        m.by.with_role(None),
        m.act.source,
        ticket_no=master.ticket_no,
        arguments={"repeat": m.ticket.ticket_no},
    )


def _is_same_matter(one: Ticket, other: Ticket) -> bool:
    """Return whether number and category are the same; without a number a demand is no repeat by itself."""
    caller = one.phone_index is not None and one.phone_index == other.phone_index
    return caller and (one.category is None or other.category is None or one.category is other.category)


def take_repeat(m: PlanBuilder) -> None:
    """T4b: the master's side of a merge: count one more repeat, set the flag, notify its handlers."""
    lead = m.snapshot.lead
    m.update_ticket(merged_count=m.ticket.merged_count + 1)
    m.set_flag("suspected_repeat")
    if lead is not None and lead.ended_at is None:
        m.redraw.add(lead.id)
        handlers = m.office.people(lead.unit, Role.HANDLER)
        m.notify(
            "repeat_merged",
            handlers,
            not_before=m.office.earliest_notice(m.now, m.ticket.grade, lead.unit),
            n=m.ticket.merged_count + 1,
        )
