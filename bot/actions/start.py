"""/start and the contact card: binds a chat to a person in two steps (FT32, FT33)."""

from aiogram.types import KeyboardButton, ReplyKeyboardMarkup, ReplyKeyboardRemove

from backend.domain.refusals import Refused
from backend.domain.ticket import UnitKind
from backend.office.people import BINDING_QUESTION
from bot.conversation import Conversation
from bot.services import CHANNEL


async def start_binding(chat: Conversation, text: str = "") -> None:
    """Handle /start: greet, or with a code ask for the person's contact card."""
    if not chat.private:
        await chat.answer_key("command.private_only")
        return
    snapshot = await chat.services.office.snapshot()
    units = snapshot.config.units
    if not text:
        if chat.person is not None:
            unit = units[chat.person.unit].name if chat.person.unit in units else chat.person.unit
            await chat.answer_key("command.start_bound", name=chat.person.name, unit=unit)
            return
        office = next((u.name for u in units.values() if u.kind is UnitKind.MANAGEMENT), "")
        await chat.answer_key("command.start", org_name=office)
        return
    await chat.services.people.start_binding(CHANNEL, chat.user_id, str(chat.chat_id), text.split(maxsplit=1)[0])
    share = KeyboardButton(text=chat.render("button.share_contact"), request_contact=True)
    keys = ReplyKeyboardMarkup(keyboard=[[share]], resize_keyboard=True, one_time_keyboard=True)
    await chat.send_with_markup(chat.render("command.share_contact"), keys)


async def confirm_contact(chat: Conversation) -> None:
    """Handle a contact card: confirm a pending binding if it is the sender's own."""
    card = chat.message.contact if chat.message else None
    awaited = await chat.services.chat_state.find_question(CHANNEL, chat.user_id, chat.now)
    if card is None or not chat.private or awaited is None or awaited.what != BINDING_QUESTION:
        await chat.answer_key("command.kind_not_taken")
        return
    whose = None if card.user_id is None else str(card.user_id)
    try:
        bound = await chat.services.people.confirm_binding(CHANNEL, chat.user_id, whose, card.phone_number)
    except Refused as refused:
        await chat.audit("binding_refused", code=refused.code)
        raise
    text = chat.render("chat.M22", unit=bound.unit, name=bound.person.name, tail=bound.tail)
    await chat.send_with_markup(text, ReplyKeyboardRemove(remove_keyboard=True))
    await chat.services.audit.record(chat.now, bound.person.code, "bound", bound.person.code, channel=CHANNEL)
