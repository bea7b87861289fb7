"""Loads the ticket and assignment a button or reply is about, as far as the person may see them."""

from dataclasses import dataclass
from datetime import datetime

from backend.domain import offered_verbs
from backend.domain.acts import Snapshot
from backend.domain.button_data import ButtonData
from backend.domain.decision import is_visible
from backend.domain.records import Assignment
from backend.domain.refusals import Refused
from backend.ports.tickets import TicketRef
from bot.conversation import Conversation


@dataclass(frozen=True, slots=True)
class TicketContext:
    """A ticket and one of its assignments."""

    snap: Snapshot
    assignment: Assignment

    @property
    def assignment_id(self) -> int:
        """The assignment's id."""
        return self.assignment.id

    @property
    def ticket_no(self) -> str:
        """The ticket's number."""
        return self.snap.ticket.ticket_no

    def build_button_data(self, verb: str) -> ButtonData:
        """Build a button press about this assignment at its current version."""
        return ButtonData(verb, self.assignment_id, self.assignment.version)

    def is_late_for_return(self, now: datetime) -> bool:
        """Whether a return would now count as late (B35, Q26)."""
        return offered_verbs.is_late_for_return(self.snap, self.assignment, now)


async def load_context(chat: Conversation, assignment_id: int) -> TicketContext:
    """Load the current ticket context. Refused `unbound`; `not_found` when missing or another unit's (FT13)."""
    actor = chat.actor
    snap = await chat.services.tickets.moves.load(TicketRef(assignment_id=assignment_id))
    assignment = snap.find_assignment(assignment_id) if snap else None
    foreign = assignment is not None and not actor.may_see(assignment.unit)
    if snap is None or assignment is None or foreign or not is_visible(snap, actor):
        raise Refused("not_found", assignment=assignment_id)
    chat.subject = snap.ticket
    return TicketContext(snap, assignment)


def check_allowed(chat: Conversation, context: TicketContext, verb: str) -> None:
    """Check role and state before a question is asked. Refused `forbidden`, `overtaken`, `not_now`."""
    offered_verbs.check_offered(context.snap, context.assignment, chat.actor, verb)
