"""What the chat door needs of the house: rooms by name, and the promises of those that draw and ring."""

from dataclasses import dataclass
from typing import Protocol

from aiogram import Bot

from backend.desk import Desk
from backend.domain.records import Person
from backend.domain.texts import Catalogue
from backend.filing import Filing
from backend.office import Office
from backend.ports.audit import AuditStore
from backend.ports.drafts import Drafts
from backend.ports.reading import ReadingStore
from backend.registry import Registry
from notify.channel import Channel
from notify.message import Card

CHANNEL = "telegram"


class Cards(Protocol):
    """backend/cards.py: draws what a person holds of an assignment, and remembers which message that is."""

    async def for_assignment(self, assignment_id: int, person: Person) -> Card:
        """The card as this person should see it now."""
        ...

    async def send(self, person: Person, assignment_id: int, kind: str) -> object:
        """Send the card of that kind (M1 …) and keep it up to date from now on."""
        ...


class CardBook(Protocol):
    """storage/cards.py: which message is the card of what."""

    async def find(self, channel: str, address: str, message_id: str) -> int | None:
        """The assignment a message is the card of."""
        ...


class Ringer(Protocol):
    """backend/calls.py as far as a chat asks for it."""

    async def ring(self, ticket_no: str, by: str) -> object:
        """Ring the unit about a ticket now. Refused `no_phone`, `not_now` …"""
        ...


@dataclass
class House:
    """The rooms behind the chat door."""

    bot: Bot
    channel: Channel
    desk: Desk
    office: Office
    registry: Registry
    drafts: Drafts
    reading: ReadingStore
    filing: Filing
    audit: AuditStore
    cards: Cards
    book: CardBook
    catalogue: Catalogue
    calls: Ringer | None = None
