"""/ticket: sends a unit its live card again, the office the whole ticket with what it may do about it."""

from backend.delivery.cards import FULL_TICKET
from backend.domain.acts import Snapshot
from backend.domain.flow import is_visible
from backend.domain.move_table import is_finished
from backend.domain.refusals import Refused
from backend.ports.cards import NewCard
from backend.ports.moves import TicketRef
from bot.actions import todo, view
from bot.conversation import Conversation
from bot.services import CHANNEL
from bot.ticket_context import TicketContext


async def show_ticket(chat: Conversation, text: str = "") -> None:
    """Handle /ticket NO. Refused `not_found`."""
    actor = chat.actor
    if not text:
        await chat.answer_key("command.ticket_usage")
        return
    snap = await chat.services.tickets.moves.load(TicketRef(no=text.split(maxsplit=1)[0]))
    if snap is None or not is_visible(snap, actor):
        raise Refused("not_found", ticket=text)
    if not actor.is_unit_member:
        await send_full_ticket(chat, snap)
        return
    mine = [a for a in snap.assignments if a.unit == actor.unit and a.ended_at is None]
    if mine and not is_finished(mine[-1].state):
        await todo.resend_card(chat, TicketContext(snap, mine[-1]))
        return
    await chat.send_text(await view.render_details(chat, snap.ticket, mine[-1] if mine else snap.lead))


async def open_ticket(chat: Conversation, context: TicketContext) -> None:
    """Handle the button 打开工单: the whole ticket for the office, the card for a unit."""
    if chat.actor.is_unit_member:
        await todo.resend_card(chat, context)
        return
    await send_full_ticket(chat, context.snap)


async def send_full_ticket(chat: Conversation, snap: Snapshot) -> None:
    """Send the whole ticket, and record the message so that it is kept up to date."""
    if chat.chat_id is None:
        return
    await chat.show_toast(chat.render("toast.shown"))
    receipt = await chat.send(str(chat.chat_id), await chat.services.cards.render_full_card(snap, chat.bound_person))
    if receipt is None:
        raise Refused("unavailable")
    held = NewCard(CHANNEL, receipt.chat_id, receipt.provider_id, chat.bound_person.code, snap.ticket.id,
                   snap.lead.id if snap.lead else None, FULL_TICKET, snap.ticket.version, chat.now)  # fmt: skip
    await chat.services.card_store.record([held])
