"""Sends the live card of an assignment at once, and records the message so that it is kept up to date."""

from backend.domain.records import Person
from backend.domain.refusals import Refused
from backend.ports.chat import NewCard
from bot.conversation import Conversation
from bot.ticket_context import TicketContext
from notify.chat_network import ChatNetwork

LIVE_CARD = "card_resent"  # a live card sent again (backend/delivery/kinds)


async def send_card(
    chat: Conversation, context: TicketContext, person: Person, address: str, network: ChatNetwork
) -> None:
    """Send the card, rendered for this person, to this address there. Refused `unavailable` when it cannot be sent."""
    services = chat.services
    card = await services.cards.render_live_card(context.assignment_id, person)
    receipt = await chat.send(address, card, network=network)
    if receipt is None:
        raise Refused("unavailable")
    ticket = context.snap.ticket
    kept = NewCard(network.name, receipt.chat_id, receipt.provider_id, person.code, ticket.id, context.assignment_id, LIVE_CARD,
                   ticket.version, chat.now)  # fmt: skip
    await services.card_store.record([kept])
