"""稍后提醒: the list comes again later, and he is told when."""

from backend.domain.refusals import Refused
from bot.talk import Talk


async def later(talk: Talk) -> None:
    """The button under the digest."""
    if talk.house.snooze is None:
        raise Refused("unavailable")
    at = await talk.house.snooze.later(talk.who)
    await talk.told("todo.snoozed", at=talk.when(at))
