"""/supervise and /call, and the button 电话通知 under a ticket."""

from datetime import datetime

from backend.domain.move_table import is_allowed
from backend.domain.refusals import Refused
from bot.case import Case
from bot.talk import Talk


async def supervise(talk: Talk, words: str = "") -> None:
    """Handle /supervise NO 事由: supervise at once, with the office's own limit for the answer."""
    no, _, why = words.partition(" ")
    if not is_allowed(talk.actor.role, "supervise"):
        raise Refused("forbidden", verb="supervise")
    if not no or not why.strip():
        await talk.told("office.supervise_usage")
        return
    moved = await talk.act("supervise", ticket_no=no, reason=why.strip())
    due = moved.plan.entry.words.get("due_at") if moved.plan else None
    await talk.told("command.supervised", ticket_no=no, due=talk.when(datetime.fromisoformat(due)) if due else "")


async def call(talk: Talk, words: str = "") -> None:
    """Handle /call NO: call the unit now. Refused `forbidden` for a unit's people."""
    no = words.strip()
    if talk.actor.is_unit_member:
        raise Refused("forbidden")
    if not no:
        await talk.told("office.call_usage")
        return
    await _ring(talk, no)


async def call_unit(talk: Talk, case: Case) -> None:
    """Handle the button 电话通知."""
    await _ring(talk, case.no)


async def _ring(talk: Talk, no: str) -> None:
    """Call the unit; the calls service decides who may and writes the audit row. Refused `unavailable`."""
    if talk.house.calls is None:
        raise Refused("unavailable")
    code = await talk.house.calls.call_unit(no, talk.actor)
    snapshot = await talk.house.office.snapshot()
    person = snapshot.by_code.get(str(code))
    unit = snapshot.config.units.get(person.unit) if person else None
    await talk.told("office.calling", ticket_no=no, unit=unit.name if unit else "", name=person.name if person else "")
