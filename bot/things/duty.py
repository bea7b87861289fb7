"""转值班人员: the unit's next person is handed the card."""

from backend.domain.refusals import Refused
from backend.domain.ticket import Role
from bot.case import Case
from bot.hand import hand
from bot.talk import Talk


async def pass_on(talk: Talk, case: Case) -> None:
    """The next in the unit's order, then its liaison. Refused `no_duty` when nobody else can be reached by chat."""
    standing = await talk.house.office.standing()
    others = [
        p for p in standing.people(case.assignment.unit, Role.HANDLER, Role.LIAISON)
        if p.chat and p.code != talk.who.code
    ]  # fmt: skip
    if not others:
        raise Refused("no_duty")
    await hand(talk, case, others[0], str(others[0].address))
    await talk.told("toast.duty_told")
