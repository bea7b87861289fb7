"""A person's own things: /start binds a chat (FT32, FT33), /pin, /quiet."""

import contextlib
import re
from collections.abc import Awaitable

from backend.domain.refusals import Refused
from backend.domain.typed_numbers import read_typed, split_word
from backend.office.people import BINDING_QUESTION, BindingResult
from bot.conversation import Conversation
from notify.channel import DeliveryError
from notify.chat_events import Said
from notify.message import Card

PIN_QUESTION = "pin"
SPAN_PATTERN = re.compile(r"(\d{1,2}:\d{2})\s*[-~\u2013\u2014]+\s*(\d{1,2}:\d{2})", re.ASCII)
OFF_WORDS = frozenset({"off", "none", "0"})


async def start_binding(chat: Conversation, text: str = "") -> None:
    """Handle /start: greet, or with a code ask for the person's contact card; where there is none, the code alone binds."""
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
    network, people = chat.network.name, chat.services.people
    await people.start_binding(network, chat.user_id, chat.chat_id, read_typed(split_word(text)[0]))
    if not chat.network.receiver.can.contact:
        await _bind(chat, people.confirm_code(network, chat.user_id))
        return
    label = chat.render("button.share_contact")
    await chat.send(chat.chat_id, Card(chat.render("command.share_contact"), expects="contact", share_label=label))


async def confirm_contact(chat: Conversation, said: Said) -> None:
    """Handle a contact card: confirm a pending binding if it is the sender's own."""
    card, network = said.contact, chat.network.name
    awaited = await chat.services.chat_state.find_question(network, chat.user_id, chat.now)
    if card is None or not chat.private or awaited is None or awaited.question != BINDING_QUESTION:
        await chat.answer_key("command.kind_not_taken")
        return
    await _bind(chat, chat.services.people.confirm_binding(network, chat.user_id, card.user or None, card.phone))


async def _bind(chat: Conversation, binding: Awaitable[BindingResult]) -> None:
    """Bind the person and tell them, and put any request for their number away."""
    try:
        bound = await binding
    except Refused as refused:
        await chat.audit("binding_refused", code=refused.code)
        raise
    text = chat.render("message.bound", unit=bound.unit, name=bound.person.name, tail=bound.tail)
    await chat.send(chat.chat_id, Card(text, expects="nothing"))
    await chat.services.audit.record(chat.now, bound.person.code, "bound", bound.person.code, channel=chat.network.name)


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
    await chat.services.chat_state.delete_question(chat.network.name, chat.user_id)
    await chat.services.audit.record(chat.now, who.code, "pin_set", who.code)
    await chat.answer_key("command.pin_set")


async def _delete_message(chat: Conversation) -> None:
    if chat.network.receiver.can.deletes_theirs and chat.chat_id and chat.message_id:
        with contextlib.suppress(DeliveryError):
            await chat.network.receiver.delete(chat.chat_id, chat.message_id)


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
