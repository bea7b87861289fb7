"""稍后提醒: the list comes again later, and he is told when."""

from backend.domain.refusals import Refused
from bot.talk import Talk


async def later(talk: Talk, assignment_id: int = 0) -> None:
    """The button under the digest, or under one reminder."""
    if talk.house.snooze is None:
        raise Refused("unavailable")
    snooze = talk.house.snooze
    at = await (snooze.reminder(talk.who, assignment_id) if assignment_id else snooze.later(talk.who))
    await talk.told("todo.snoozed", at=talk.when(at))
