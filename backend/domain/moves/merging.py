"""并单: a repeat goes under its master, which counts it; both journals record it in one transaction (T4, Q23)."""

from backend.domain.acts import Act, Actor
from backend.domain.mover import Mover
from backend.domain.moves.assisting import release
from backend.domain.records import Ticket
from backend.domain.refusals import Refused
from backend.domain.table import OPEN
from backend.domain.ticket import Role, State


def merge(m: Mover) -> None:
    """T4 并单: the same requester with the same matter (or a reason why they are one); the repeat's duties are void.

    Raises Refused: `not_found`, `merge_itself`, `merge_chain`, `master_ended`, `not_same_matter`.
    """
    other = m.snap.beside
    if other is None:
        raise Refused("not_found", ticket=m.words["into"])
    master = other.ticket
    if master.id == m.ticket.id:
        raise Refused("merge_itself", ticket=master.no)
    if master.merged_into is not None or m.ticket.repeats:
        raise Refused("merge_chain", ticket=master.no if master.merged_into is not None else m.ticket.no)
    if master.state not in OPEN:
        raise Refused("master_ended", ticket=master.no, state=master.state)
    if not _one_matter(m.ticket, master) and not m.words["reason"]:
        raise Refused("not_same_matter", ticket=master.no)
    release(m, State.MERGED)
    m.void()
    m.withdraw()
    m.on_ticket(merged_into=master.id)
    m.ticket_to(State.MERGED)
    m.also = Act("take_repeat", Actor(m.by.code, None), m.act.source, ticket_no=master.no,
                 words={"repeat": m.ticket.no})  # fmt: skip


def _one_matter(one: Ticket, other: Ticket) -> bool:
    """Return whether number and category are the same; without a number a demand is no repeat by itself."""
    caller = one.phone_index is not None and one.phone_index == other.phone_index
    return caller and (one.category is None or other.category is None or one.category is other.category)


def take_repeat(m: Mover) -> None:
    """T4b: the master's side of a merge: count one more repeat, set the flag, notify its handlers."""
    lead = m.snap.lead
    m.on_ticket(repeats=m.ticket.repeats + 1)
    m.flag("suspected_repeat")
    if lead is not None and lead.ended_at is None:
        m.redraw.add(lead.id)
        handlers = m.world.people(lead.unit, Role.HANDLER)
        m.tell("M30", handlers, not_before=m.world.may_hand_over(m.ticket.grade, lead.unit),
               n=m.ticket.repeats + 1)  # fmt: skip
