"""转值班人员: passes the card to the person on duty or the unit's next contact."""

from backend.domain.refusals import Refused
from backend.domain.ticket import Grade, Role
from bot.case import Case
from bot.hand import hand
from bot.talk import Talk


async def pass_on(talk: Talk, case: Case) -> None:
    """Send the card to the person on duty by the roster, else the next in escalation order; never the leader.

    Refused `no_duty` when nobody else can be reached by chat.
    """
    snapshot = await talk.house.office.snapshot()
    urgent = case.snap.ticket.grade is Grade.URGENT
    order = snapshot.contacts(case.assignment.unit, talk.now, urgent=urgent)
    others = [p for p in order if p.chat and p.code != talk.who.code and p.role is not Role.LEADER]
    if not others:
        raise Refused("no_duty")
    await hand(talk, case, others[0], str(others[0].address))
    await talk.told("toast.duty_told")
