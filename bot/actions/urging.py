"""/supervise and /call, and the button 电话通知 under a ticket."""

from datetime import datetime

from backend.domain.move_table import is_allowed
from backend.domain.refusals import Refused
from bot.conversation import Conversation
from bot.ticket_context import TicketContext


async def supervise(chat: Conversation, text: str = "") -> None:
    """Handle /supervise NO 事由: supervise at once, with the office's own limit for the answer."""
    no, _, why = text.partition(" ")
    if not is_allowed(chat.actor.role, "supervise"):
        raise Refused("forbidden", verb="supervise")
    if not no or not why.strip():
        await chat.answer_key("office.supervise_usage")
        return
    moved = await chat.act("supervise", ticket_no=no, reason=why.strip())
    due = moved.plan.entry.words.get("due_at") if moved.plan else None
    await chat.answer_key(
        "command.supervised", ticket_no=no, due=chat.format_time(datetime.fromisoformat(due)) if due else ""
    )


async def call_by_ticket_no(chat: Conversation, text: str = "") -> None:
    """Handle /call NO: call the unit now. Refused `forbidden` for a unit's people."""
    no = text.strip()
    if chat.actor.is_unit_member:
        raise Refused("forbidden")
    if not no:
        await chat.answer_key("office.call_usage")
        return
    await _call(chat, no)


async def call_unit(chat: Conversation, context: TicketContext) -> None:
    """Handle the button 电话通知."""
    await _call(chat, context.ticket_no)


async def _call(chat: Conversation, ticket_no: str) -> None:
    """Call the unit; the calls service decides who may and writes the audit row. Refused `unavailable`."""
    if chat.services.calls is None:
        raise Refused("unavailable")
    code = await chat.services.calls.call_unit(ticket_no, chat.actor)
    snapshot = await chat.services.office.snapshot()
    person = snapshot.by_code.get(str(code))
    unit = snapshot.config.units.get(person.unit) if person else None
    await chat.answer_key(
        "office.calling", ticket_no=ticket_no, unit=unit.name if unit else "", name=person.name if person else ""
    )
