"""What the chat door needs of the house: rooms by name, and the promise of the one that rings."""

from dataclasses import dataclass, field
from typing import Protocol

from aiogram import Bot

from backend.cards import Cards
from backend.desk import Desk
from backend.domain.acts import Actor
from backend.domain.texts import Catalogue
from backend.filing import Filing
from backend.office import Office
from backend.ports.audit import AuditStore
from backend.ports.cards import CardStore
from backend.ports.drafts import Drafts
from backend.ports.reading import ReadingStore
from backend.registry import Registry
from notify.channel import Channel
from notify.pace import LocalPacer, Pacer

CHANNEL = "telegram"


class Ringer(Protocol):
    """backend/calls.py as far as a chat asks for it."""

    async def ring(self, ticket_no: str, by: Actor) -> object:
        """Ring the unit about a ticket now. Refused `forbidden`, `not_now`, `no_handler` …"""
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
    book: CardStore
    catalogue: Catalogue
    pace: Pacer = field(default_factory=LocalPacer)  # shared with the courier: one bot, one pace (FT19)
    calls: Ringer | None = None
