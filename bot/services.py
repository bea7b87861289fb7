"""Services the chat bot uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.calls.service import Calls
from backend.delivery.cards import CardRenderer
from backend.delivery.snooze import SnoozeService
from backend.domain.texts import Texts
from backend.office.cache import OfficeCache
from backend.office.duty_roster import DutyRoster
from backend.office.people import People
from backend.ports.chat import CardStore, ChatStateStore
from backend.ports.integrity import AuditStore
from backend.ports.ticket_queries import QueryStore
from backend.ports.tickets import GlanceStore
from backend.reporting import Reporting
from backend.scoring import Scoring
from backend.tickets.files import TicketFiles
from backend.tickets.service import TicketService
from bot.press_answers import PressAnswers
from notify.chat_network import ChatNetwork
from notify.rate_limit import RateLimiter


@dataclass
class BotServices:
    """Services the chat bot uses."""

    networks: Mapping[str, ChatNetwork]  # by name
    answers: PressAnswers
    tickets: TicketService
    office: OfficeCache
    people: People
    chat_state: ChatStateStore
    queries: QueryStore
    files: TicketFiles
    audit: AuditStore
    cards: CardRenderer
    card_store: CardStore
    texts: Texts
    rate_limiter: RateLimiter  # shared with delivery: one bot, one limit (FT19)
    calls: Calls
    overview: GlanceStore
    scoring: Scoring
    reporting: Reporting
    duty_roster: DutyRoster
    snooze: SnoozeService
    names: dict[str, str] = field(default_factory=dict)  # network → what the bot is called there, once that is known
