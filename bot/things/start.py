"""/start and the contact card: binds a chat to a person in two steps (FT32, FT33)."""

from aiogram.types import KeyboardButton, ReplyKeyboardMarkup, ReplyKeyboardRemove

from backend.domain.refusals import Refused
from backend.domain.ticket import UnitKind
from backend.office.people import BINDING_QUESTION
from bot.house import CHANNEL
from bot.talk import Talk


async def start(talk: Talk, words: str = "") -> None:
    """Handle /start: greet, or with a code ask for the person's contact card."""
    if not talk.private:
        await talk.told("command.private_only")
        return
    snapshot = await talk.house.office.snapshot()
    units = snapshot.config.units
    if not words:
        if talk.person is not None:
            unit = units[talk.person.unit].name if talk.person.unit in units else talk.person.unit
            await talk.told("command.start_bound", name=talk.person.name, unit=unit)
            return
        office = next((u.name for u in units.values() if u.kind is UnitKind.MANAGEMENT), "")
        await talk.told("command.start", org_name=office)
        return
    await talk.house.registry.start_binding(CHANNEL, talk.user_id, str(talk.chat_id), words.split(maxsplit=1)[0])
    share = KeyboardButton(text=talk.say_key("button.share_contact"), request_contact=True)
    keys = ReplyKeyboardMarkup(keyboard=[[share]], resize_keyboard=True, one_time_keyboard=True)
    await talk.say_with(talk.say_key("command.share_contact"), keys)


async def contact(talk: Talk) -> None:
    """Handle a contact card: confirm a pending binding if it is the sender's own."""
    card = talk.message.contact if talk.message else None
    awaited = await talk.house.drafts.find_question(CHANNEL, talk.user_id, talk.now)
    if card is None or not talk.private or awaited is None or awaited.what != BINDING_QUESTION:
        await talk.told("command.kind_not_taken")
        return
    whose = None if card.user_id is None else str(card.user_id)
    try:
        bound = await talk.house.registry.confirm_binding(CHANNEL, talk.user_id, whose, card.phone_number)
    except Refused as refused:
        await talk.note("binding_refused", code=refused.code)
        raise
    text = talk.say_key("chat.M22", unit=bound.unit, name=bound.person.name, tail=bound.tail)
    await talk.say_with(text, ReplyKeyboardRemove(remove_keyboard=True))
    await talk.house.audit.record(talk.now, bound.person.code, "bound", bound.person.code, channel=CHANNEL)
