"""转值班人员: passes the card to the person on duty or the unit's next contact."""

from backend.domain.refusals import Refused
from bot.actions.send_card import send_card
from bot.conversation import Conversation
from bot.ticket_context import TicketContext


async def pass_to_duty(chat: Conversation, context: TicketContext) -> None:
    """Send the card to the person on duty by the roster, else the next in escalation order; never the leader.

    Refused `no_duty` when nobody else can be reached by chat.
    """
    snapshot = await chat.services.office.snapshot()
    urgent = context.snap.ticket.grade.is_urgent
    other = snapshot.find_colleague_on_duty(chat.bound_person, context.assignment.unit, chat.now, urgent=urgent)
    if other is None:
        raise Refused("no_duty")
    await send_card(chat, context, other, str(other.address))
    await chat.answer_key("toast.duty_told")
