"""Services the chat bot uses, and the protocols of those that are optional."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiogram import Bot

from backend.calls.bridge import StartedBridge as Begun
from backend.delivery.cards import CardRenderer
from backend.delivery.snooze import SnoozeActions
from backend.domain.acts import Actor
from backend.domain.texts import Texts
from backend.office.cache import OfficeCache
from backend.office.people import People
from backend.ports.audit import AuditStore
from backend.ports.cards import CardStore
from backend.ports.chat_state import ChatStateStore
from backend.ports.glance import GlanceStore
from backend.ports.ticket_queries import QueryStore
from backend.tickets.files import TicketFiles
from backend.tickets.service import TicketService
from notify.channel import Channel
from notify.rate_limit import RateLimiter

CHANNEL = "telegram"


class CallService(Protocol):
    """What the bot uses of backend/calls."""

    async def find_unit_contact(self, ticket_no: str, by: Actor) -> str:
        """Return the code of whom `call_unit` would ring."""
        ...

    async def call_unit(self, ticket_no: str, by: Actor) -> object:
        """Call the unit about a ticket now; return the code of the person called.

        Refused `forbidden`, `not_now`, `no_handler` …
        """
        ...

    async def start_bridge(self, by: Actor, *, assignment_id: int | None = None) -> Begun:
        """Connect the actor with the requester (P3); `to` is the actor's own number, masked. Refused `no_phone` …"""
        ...


class ScoringService(Protocol):
    """What the bot uses of backend/scoring."""

    async def get_scores(self, *, month: str, scheme: str | None, unit: str | None, actor: Actor) -> Mapping[str, Any]:
        """Return a month's sheets as the actor may see them, with `state`. Refused `bad_month`, `forbidden` …"""
        ...

    async def compute_period(self, name: str, *, evidence: bool = True) -> Mapping[str, Any]:
        """Return a quarter's or a year's result. Refused `bad_period`."""
        ...

    async def check_contest(self, run_id: int, actor: Actor) -> None:
        """Refuse what is refused whatever the reason (XM21). Refused `forbidden`, `too_late` …"""
        ...

    async def view_run(self, run_id: int, actor: Actor) -> Mapping[str, Any]:
        """Return a run's sheets as the actor may see them. Refused `unknown_run`."""
        ...

    async def submit_contest(self, run_id: int, arguments: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """File 异议 to a line of a run `{item, words, files}`. Refused `text_missing`, `too_late` …"""
        ...

    async def is_locked(self, period: str) -> bool:
        """Whether that period's run is locked."""
        ...


class ReportingService(Protocol):
    """What the bot uses of backend/reporting."""

    async def make_month(self, month: str, by: Actor) -> Sequence[tuple[str, bytes]]:
        """Return a month's documents, name and content of each. Refused `reports_missing` …"""
        ...

    async def make_quarter(self, quarter: str, by: Actor) -> Sequence[tuple[str, bytes]]:
        """Return a quarter's documents, as `month` does."""
        ...

    async def make_year(self, year: str, by: Actor) -> Sequence[tuple[str, bytes]]:
        """Return a year's documents, as `month` does."""
        ...

    async def render_glance(self, period: str) -> bytes | None:
        """Return the period's overview chart as a PNG."""
        ...


class QuietHours(Protocol):
    """What the bot uses of backend/office/duty_roster."""

    async def set_quiet(self, person: str, begin: str | None, end: str | None = None) -> str:
        """Set a person's own quiet hours; None removes them. Return them as text. Refused `bad_hours`."""
        ...

    async def get_quiet(self, person: str) -> str:
        """Return a person's own quiet hours as text, "" when there are none."""
        ...


@dataclass
class BotServices:
    """Services the chat bot uses."""

    bot: Bot
    channel: Channel
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
    calls: CallService | None = None
    overview: GlanceStore | None = None
    scoring: ScoringService | None = None
    reporting: ReportingService | None = None
    quiet_hours: QuietHours | None = None
    snooze: SnoozeActions | None = None
