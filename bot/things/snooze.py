"""稍后提醒: postpones the list or one reminder, and says until when."""

from backend.domain.refusals import Refused
from bot.talk import Talk


async def later(talk: Talk, assignment_id: int = 0) -> None:
    """Handle the button under a digest, or under one reminder. Refused `unavailable`."""
    if talk.house.snooze is None:
        raise Refused("unavailable")
    snooze = talk.house.snooze
    at = await (snooze.snooze_reminder(talk.who, assignment_id) if assignment_id else snooze.snooze_list(talk.who))
    await talk.told("todo.snoozed", at=talk.when(at))
