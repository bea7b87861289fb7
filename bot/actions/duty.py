"""转值班人员: passes the card to the person on duty or the unit's next contact."""

from backend.domain.refusals import Refused
from backend.domain.ticket import Grade, Role
from bot.actions.send_card import send_card
from bot.conversation import Conversation
from bot.ticket_context import TicketContext


async def pass_to_duty(chat: Conversation, context: TicketContext) -> None:
    """Send the card to the person on duty by the roster, else the next in escalation order; never the leader.

    Refused `no_duty` when nobody else can be reached by chat.
    """
    snapshot = await chat.services.office.snapshot()
    urgent = context.snap.ticket.grade is Grade.URGENT
    order = snapshot.contacts(context.assignment.unit, chat.now, urgent=urgent)
    others = [p for p in order if p.chat and p.code != chat.bound_person.code and p.role is not Role.LEADER]
    if not others:
        raise Refused("no_duty")
    await send_card(chat, context, others[0], str(others[0].address))
    await chat.answer_key("toast.duty_told")
