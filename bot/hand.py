"""Sends the live card of an assignment at once, and records the message so that it is kept up to date."""

from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.ports.cards import NewCard
from bot.case import Case
from bot.house import CHANNEL
from bot.talk import Talk

LIVING = "C1"  # a live card sent again (backend/delivery/kinds)


async def hand(talk: Talk, case: Case, person: Person, address: str) -> None:
    """Send the card, rendered for this person, to this address. Refused `unavailable` when it cannot be sent."""
    house = talk.house
    card = await house.cards.render_live_card(case.id, person)
    receipt = await talk.send(address, card)
    if receipt is None:
        raise Refused("unavailable")
    ticket = case.snap.ticket
    kept = NewCard(CHANNEL, receipt.chat_id, receipt.provider_id, person.code, ticket.id, case.id, LIVING,
                   ticket.version, talk.now)  # fmt: skip
    await house.book.record([kept])
