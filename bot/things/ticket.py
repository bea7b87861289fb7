"""/ticket: sends a unit its live card again, the office the whole ticket with what it may do about it."""

from backend.delivery.cards import FULL_TICKET
from backend.domain.acts import Snapshot
from backend.domain.flow import is_visible
from backend.domain.refusals import Refused
from backend.domain.ticket import State
from backend.ports.cards import NewCard
from backend.ports.moves import TicketRef
from bot.case import Case
from bot.house import CHANNEL
from bot.talk import Talk
from bot.things import todo, view

OVER = (State.CLOSED, State.FINALIZED, State.ARCHIVED)


async def ticket(talk: Talk, words: str = "") -> None:
    """Handle /ticket NO. Refused `not_found`."""
    actor = talk.actor
    if not words:
        await talk.told("command.ticket_usage")
        return
    snap = await talk.house.desk.moves.load(TicketRef(no=words.split(maxsplit=1)[0]))
    if snap is None or not is_visible(snap, actor):
        raise Refused("not_found", ticket=words)
    if not actor.is_unit_member:
        await whole(talk, snap)
        return
    mine = [a for a in snap.assignments if a.unit == actor.unit and a.ended_at is None]
    if mine and mine[-1].state not in OVER:
        await todo.again(talk, Case(snap, mine[-1]))
        return
    await talk.say(await view.detail(talk, snap.ticket, mine[-1] if mine else snap.lead))


async def opened(talk: Talk, case: Case) -> None:
    """Handle the button 打开工单: the whole ticket for the office, the card for a unit."""
    if talk.actor.is_unit_member:
        await todo.again(talk, case)
        return
    await whole(talk, case.snap)


async def whole(talk: Talk, snap: Snapshot) -> None:
    """Send the whole ticket, and record the message so that it is kept up to date."""
    if talk.chat_id is None:
        return
    await talk.toast(talk.say_key("toast.shown"))
    receipt = await talk.send(str(talk.chat_id), await talk.house.cards.render_full_card(snap, talk.who))
    if receipt is None:
        raise Refused("unavailable")
    held = NewCard(CHANNEL, receipt.chat_id, receipt.provider_id, talk.who.code, snap.ticket.id,
                   snap.lead.id if snap.lead else None, FULL_TICKET, snap.ticket.version, talk.now)  # fmt: skip
    await talk.house.book.record([held])
