"""/pin: sets the PIN for signing by telephone; the message that contained it is deleted."""

import contextlib

from bot.house import CHANNEL
from bot.talk import ACCIDENTS, Talk

WHAT = "pin"


async def pin(talk: Talk, words: str = "") -> None:
    """Handle /pin 1234, or /pin and then the digits. In a group it is refused, and deleted all the same."""
    who = talk.who
    if words:
        await _take_away(talk)
    if not talk.private:
        await talk.told("command.private_only")
        return
    if not words:
        sent = await talk.say(talk.say_key("command.pin_ask"))
        await talk.expect(WHAT, 0, sent)
        return
    await talk.house.registry.set_pin(who.code, words.strip())
    await talk.house.drafts.delete_question(CHANNEL, talk.user_id)
    await talk.house.audit.record(talk.now, who.code, "pin_set", who.code)
    await talk.told("command.pin_set")


async def _take_away(talk: Talk) -> None:
    if talk.chat_id is not None and talk.message_id is not None:
        with contextlib.suppress(*ACCIDENTS):
            await talk.house.bot.delete_message(talk.chat_id, talk.message_id)
