"""联系诉求人: calls and connects both sides (P3); a person who calls on their own logs the result (A11, T12)."""

from backend.domain.refusals import Refused
from bot.conversation import ButtonRows, Conversation
from bot.ticket_context import TicketContext, check_allowed


async def start_contact(chat: Conversation, context: TicketContext) -> None:
    """Handle the button: start a bridge call, and offer to log a contact made another way."""
    check_allowed(chat, context, "contact")
    keys: ButtonRows = (
        (
            ("bot.reached", context.build_button_data("reached")),
            ("bot.not_reached", context.build_button_data("not_reached")),
        ),
    )
    await chat.send_text(await _start_bridge(chat, context), keys)
    await chat.show_toast(chat.render("toast.asked"))


async def _start_bridge(chat: Conversation, context: TicketContext) -> str:
    """Start the bridge; return the text that says so, or why the handler must call on their own."""
    if chat.services.calls is None:
        return chat.render("bot.contact")
    try:
        begun = await chat.services.calls.start_bridge(chat.actor, assignment_id=context.assignment_id)
    except Refused as no:
        why = chat.services.texts.render_refusal(no.code, no.facts)
        return chat.render("bot.bridging_not", why=why)
    return chat.render("bot.bridging", to=begun.to)


async def log_contact(chat: Conversation, context: TicketContext, reached: bool) -> None:
    """Log whether the requester was reached by telephone."""
    await chat.act("contact", assignment_id=context.assignment_id, way="phone", reached=reached)
    await chat.remove_buttons()
    await chat.answer_key("bot.contact_yes" if reached else "bot.contact_no")
