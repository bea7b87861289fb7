"""/pin: sets the PIN for signing by telephone; the message that contained it is deleted."""

import contextlib

from bot.conversation import NETWORK_ERRORS, Conversation
from bot.services import CHANNEL

PIN_QUESTION = "pin"


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
    await chat.services.people.set_pin(who.code, text.strip())
    await chat.services.chat_state.delete_question(CHANNEL, chat.user_id)
    await chat.services.audit.record(chat.now, who.code, "pin_set", who.code)
    await chat.answer_key("command.pin_set")


async def _delete_message(chat: Conversation) -> None:
    if chat.chat_id is not None and chat.message_id is not None:
        with contextlib.suppress(*NETWORK_ERRORS):
            await chat.services.bot.delete_message(chat.chat_id, chat.message_id)
