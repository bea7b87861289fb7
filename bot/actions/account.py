"""A person's own things: /start binds a chat (FT32, FT33), /pin, /quiet."""

import contextlib
import re

from aiogram.types import KeyboardButton, ReplyKeyboardMarkup, ReplyKeyboardRemove

from backend.domain.refusals import Refused
from backend.domain.typed_numbers import read_typed, split_word
from backend.office.people import BINDING_QUESTION
from bot.conversation import NETWORK_ERRORS, Conversation
from bot.services import CHANNEL

PIN_QUESTION = "pin"
SPAN_PATTERN = re.compile(r"(\d{1,2}:\d{2})\s*[-~\u2013\u2014]+\s*(\d{1,2}:\d{2})", re.ASCII)
OFF_WORDS = frozenset({"off", "none", "0"})


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
        office = units.get(snapshot.find_institution() or "")
        await chat.answer_key("command.start", org_name=office.name if office else "")
        return
    await chat.services.people.start_binding(CHANNEL, chat.user_id, str(chat.chat_id), read_typed(split_word(text)[0]))
    share = KeyboardButton(text=chat.render("button.share_contact"), request_contact=True)
    keys = ReplyKeyboardMarkup(keyboard=[[share]], resize_keyboard=True, one_time_keyboard=True)
    await chat.send_with_markup(chat.render("command.share_contact"), keys)


async def confirm_contact(chat: Conversation) -> None:
    """Handle a contact card: confirm a pending binding if it is the sender's own."""
    card = chat.message.contact if chat.message else None
    awaited = await chat.services.chat_state.find_question(CHANNEL, chat.user_id, chat.now)
    if card is None or not chat.private or awaited is None or awaited.question != BINDING_QUESTION:
        await chat.answer_key("command.kind_not_taken")
        return
    whose = None if card.user_id is None else str(card.user_id)
    try:
        bound = await chat.services.people.confirm_binding(CHANNEL, chat.user_id, whose, card.phone_number)
    except Refused as refused:
        await chat.audit("binding_refused", code=refused.code)
        raise
    text = chat.render("message.bound", unit=bound.unit, name=bound.person.name, tail=bound.tail)
    await chat.send_with_markup(text, ReplyKeyboardRemove(remove_keyboard=True))
    await chat.services.audit.record(chat.now, bound.person.code, "bound", bound.person.code, channel=CHANNEL)


async def set_pin(chat: Conversation, text: str = "") -> None:
    """Handle /pin 1234, or /pin and then the digits. In a group it is refused, and deleted all the same."""
    who = chat.bound_person
    if text:
        await _delete_message(chat)
    if not chat.private:
        await chat.answer_key("command.private_only")
        return
    if not text:
        sent = await chat.send_text(chat.render("command.pin_ask"))
        await chat.save_question(PIN_QUESTION, 0, sent)
        return
    await chat.services.people.set_pin(who.code, read_typed(text))
    await chat.services.chat_state.delete_question(CHANNEL, chat.user_id)
    await chat.services.audit.record(chat.now, who.code, "pin_set", who.code)
    await chat.answer_key("command.pin_set")


async def _delete_message(chat: Conversation) -> None:
    if chat.chat_id is not None and chat.message_id is not None:
        with contextlib.suppress(*NETWORK_ERRORS):
            await chat.services.bot.delete_message(chat.chat_id, chat.message_id)


async def change_quiet_hours(chat: Conversation, text: str = "") -> None:
    """Handle /quiet: show; /quiet 22:00-07:00: set; /quiet off: clear. Refused `bad_quiet`."""
    rosters, who = chat.services.duty_roster, chat.bound_person
    rules = (await chat.services.office.snapshot()).settings
    of_unit = rules.text("notify.quiet", who.unit)
    own = await rosters.get_quiet(who.code)
    said = text.strip()
    if not said:
        await chat.answer_key("office.quiet", quiet=own or of_unit)
        return
    if said.lower() in OFF_WORDS:
        await rosters.set_quiet(who.code, None)
        await chat.audit("quiet_cleared")
        await chat.answer_key("office.quiet_off", quiet=of_unit)
        return
    span = SPAN_PATTERN.fullmatch(read_typed(said))  # accept full-width colons and digits
    if span is None:
        raise Refused("bad_quiet", value=said[:40])
    begin, end = (part.zfill(5) for part in span.groups())
    try:
        now = await rosters.set_quiet(who.code, begin, end)
    except Refused as refused:
        raise Refused("bad_quiet", value=said[:40]) if refused.code == "bad_hours" else refused from None
    await chat.audit("quiet_set", hours=now)
    await chat.answer_key("office.quiet_set", quiet=now)
