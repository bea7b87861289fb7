"""Renders cards for a viewer, sends them on request, and finds them by their chat message."""

from collections.abc import Callable

from backend.delivery.cards import CardRenderer
from backend.delivery.kinds import LIVE_CARD_KINDS
from backend.delivery.rate_gate import IdSupply
from backend.domain.records import Message, Person
from backend.domain.refusals import Refused
from backend.office.cache import OfficeCache
from backend.ports.cards import CardStore, HeldCard
from backend.ports.moves import MoveStore, TicketRef
from backend.ports.outbox import OutboxStore
from notify.message import Card


class ChatCardService:
    """What delivery offers the bot about cards."""

    def __init__(
        self,
        draw: CardRenderer,
        messages: OutboxStore,
        cards: CardStore,
        moves: MoveStore,
        office: OfficeCache,
        ids: IdSupply,
        wake: Callable[[], None],
    ) -> None:
        self._draw = draw
        self._messages = messages
        self._cards = cards
        self._moves = moves
        self._office = office
        self._ids = ids
        self._wake = wake

    async def for_assignment(self, assignment_id: int, person: Person) -> Card:
        """Render the card as this person should see it now. Refused `not_found`."""
        return await self._draw.render_live_card(assignment_id, person)

    async def send(self, person: Person, assignment_id: int, kind: str = "C1") -> int:
        """Queue the card as an urgent message and keep it up to date; return the message's id.

        Live card kinds (M1, M2) are sent whatever the state. Refused `not_found`; `not_bound` without a chat.
        """
        snap = await self._moves.load(TicketRef(assignment_id=assignment_id))
        if snap is None:
            raise Refused("not_found", assignment=assignment_id)
        if person.chat is None:
            raise Refused("not_bound", person=person.code)
        await self._ids.refill(1)
        now = self._office.clock.now()
        message = Message(
            self._ids.take(), "C1" if kind in LIVE_CARD_KINDS else kind, person.chat, person.code, snap.ticket.id,
            assignment_id, snap.ticket.version, True, now, now, {"asked": True},
        )  # fmt: skip
        await self._messages.add([message])
        self._wake()
        return message.id

    async def find(self, channel: str, address: str, message_id: str) -> int | None:
        """Return the assignment of a chat message that is a card."""
        held = await self.find_card(channel, address, message_id)
        return held.assignment_id if held else None

    async def find_card(self, channel: str, address: str, message_id: str) -> HeldCard | None:
        """Return the card behind a chat message, with the ticket it is about."""
        return await self._cards.find(channel, address, message_id)
