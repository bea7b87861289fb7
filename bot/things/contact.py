"""联系诉求人: calls and connects both sides (P3); a person who calls on their own logs the result (A11, T12)."""

from backend.domain.refusals import Refused
from bot.case import Case, check
from bot.talk import Rows, Talk


async def start(talk: Talk, case: Case) -> None:
    """Handle the button: start a bridge call, and offer to log a contact made another way."""
    check(talk, case, "contact")
    keys: Rows = ((("bot.reached", case.press("reached")), ("bot.not_reached", case.press("not_reached"))),)
    await talk.say(await _connecting(talk, case), keys)
    await talk.toast(talk.say_key("toast.asked"))


async def _connecting(talk: Talk, case: Case) -> str:
    """Start the bridge; return the text that says so, or why the handler must call on their own."""
    if talk.house.calls is None:
        return talk.say_key("bot.contact")
    try:
        begun = await talk.house.calls.start_bridge(talk.actor, assignment_id=case.id)
    except Refused as no:
        why = talk.house.catalogue.render_refusal(no.code, no.facts)
        return talk.say_key("bot.bridging_not", why=why)
    return talk.say_key("bot.bridging", to=begun.to)


async def logged(talk: Talk, case: Case, reached: bool) -> None:
    """Log whether the requester was reached by telephone."""
    await talk.act("contact", assignment_id=case.id, way="phone", reached=reached)
    await talk.strip()
    await talk.told("bot.contact_yes" if reached else "bot.contact_no")
