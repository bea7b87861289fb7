"""稍后提醒: postpones the list or one reminder, and says until when."""

from backend.domain.refusals import Refused
from bot.conversation import Conversation


async def snooze(chat: Conversation, assignment_id: int = 0) -> None:
    """Handle the button under a digest, or under one reminder. Refused `unavailable`."""
    if chat.services.snooze is None:
        raise Refused("unavailable")
    snooze = chat.services.snooze
    at = await (
        snooze.snooze_reminder(chat.bound_person, assignment_id)
        if assignment_id
        else snooze.snooze_list(chat.bound_person)
    )
    await chat.answer_key("todo.snoozed", at=chat.format_time(at))
