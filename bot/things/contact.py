"""联系诉求人: how the first contact went is logged (A11, T12)."""

from bot.case import Case, check
from bot.talk import Rows, Talk


async def start(talk: Talk, case: Case) -> None:
    """The button: was he reached?"""
    check(talk, case, "contact")
    keys: Rows = ((("bot.reached", case.press("reached")), ("bot.not_reached", case.press("not_reached"))),)
    await talk.say(talk.say_key("bot.contact"), keys)
    await talk.toast(talk.say_key("toast.asked"))


async def logged(talk: Talk, case: Case, reached: bool) -> None:
    """He was reached by telephone, or not."""
    await talk.act("contact", assignment_id=case.id, way="phone", reached=reached)
    await talk.strip()
    await talk.told("bot.contact_yes" if reached else "bot.contact_no")
