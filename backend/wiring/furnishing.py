"""Builds every service with its dependencies, in order."""

import contextlib
import os
import secrets
import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from backend.calls.dependencies import CallDependencies
from backend.calls.service import Calls
from backend.deadlines.recompute import DutyRecompute
from backend.delivery.cards import CardRenderer
from backend.delivery.sms import SmsWorker
from backend.delivery.snooze import SnoozeService
from backend.delivery.worker import DeliveryWorker
from backend.domain.acts import Plan
from backend.environment import Environment
from backend.integrity.checks import IntegrityChecks
from backend.office.duty_roster import list_roster_findings
from backend.office.readiness import UnitReadiness
from backend.platform.service import PlatformSync
from backend.reporting.indicators import Indicators
from backend.rooms import Rooms
from backend.rounds import Rounds
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.service import Scoring
from backend.shelves import Shelves, bulletins_of
from backend.tickets.files import TicketFiles
from backend.triage.governance import Governance
from backend.triage.hot import HotListBuilder
from backend.visits.automatic import AutoVisits
from backend.wiring.chores import engage
from backend.wiring.house import House
from backend.wiring.outside import channels_of, line_of, pacer_of, providers_of
from backend.wiring.visiting import visiting_of
from notify.carrier import VoiceCarrier
from notify.channel import Channel
from notify.platform_client import PlatformClient
from notify.rate_limit import RateLimiter
from storage.calls.calls import SqlCallStore
from storage.deadlines.due import SqlDueStore
from storage.delivery.cards import SqlCardStore as CardShelf
from storage.delivery.inbox import SqlInboxStore
from storage.delivery.outbox import SqlOutboxStore
from storage.integrity.checks import SqlIntegrityStore
from storage.office.readiness import SqlReadinessStore
from storage.platform.writebacks import SqlPlatformStore
from storage.reporting.indicators import SqlIndicatorStore
from storage.scoring.counts import SqlScoringStore
from storage.tickets.files import SqlFileStore
from storage.tickets.glance import SqlGlanceStore
from storage.tickets.queries import SqlQueryStore
from storage.triage.governance import SqlGovernanceStore
from storage.web.idempotency import SqlIdempotencyStore

if TYPE_CHECKING:
    from bot.receive import InboxWorker
    from sandbox.town import Town


@dataclass(frozen=True)
class Mail:
    """The parts of delivery: messages, chat cards, and what renders and sends both."""

    letters: SqlOutboxStore
    cards: CardShelf
    draw: CardRenderer
    courier: DeliveryWorker
    owner: str  # identifies this process in leases


async def furnish(
    environment: Environment, stores: Shelves, town: "Town | None", roles: Collection[str],
    stack: contextlib.AsyncExitStack,
) -> House:  # fmt: skip
    """Build all services and the workers; what must be closed is closed by `stack`."""
    s = stores
    if town is not None:
        town.now = town.chat.now = town.phones.now = s.clock.now
    channels, line = channels_of(environment), line_of(environment)
    limiter = await pacer_of(environment, stores, stack)
    mail = _mail(environment, s, channels, limiter)
    calls, visits = _telephone(environment, s, mail, line, limiter)
    due, rounds = SqlDueStore(s.db), Rounds([], environment.tick_seconds)
    rooms, marks = _rooms(environment, s, mail, calls, visits, rounds)
    _annexes(rooms, marks, environment, s, mail, due)
    rooms.visiting = visiting = visiting_of(environment, s, calls, limiter)
    texter = visiting.texting.gateway if visiting.texting else None
    rooms.short_texts = SmsWorker(
        mail.letters, s.moves, s.office, s.registry, s.catalogue, limiter, mail.owner, environment.hotline_name,
        environment.hotline, texter,
    )  # fmt: skip
    closing: list[Any] = [mail.courier, rooms.platform, rooms.bulletins, *channels.values(), *([line] if line else [])]
    if visits is not None and visiting.texting is not None:
        visits.unreached_texts = visiting.texting
        closing.append(visiting.texting)
    door = None
    if "telegram" in channels:
        door = _door(channels["telegram"], s, rooms, marks, mail, limiter, due)
        rooms.telegram_secret = environment.telegram_secret.get_secret_value()
        door.on_received = lambda: rounds.nudge("chat")
    house = House(environment, stores, rooms, rounds, due, door, calls, town, "")
    engage(house, stores, roles)
    if calls is not None:
        calls.dependencies.wake = lambda: rounds.nudge("calls", "courier")
        calls.dependencies.ledger = marks.ledgers
    _listen(s, mail.courier, rounds)
    stack.push_async_callback(_close_all, closing)
    return house


def _mail(environment: Environment, s: Shelves, channels: dict[str, Channel], limiter: RateLimiter) -> Mail:
    messages, cards = SqlOutboxStore(s.db, s.ids), CardShelf(s.db, s.ids, s.vault)
    draw = CardRenderer(s.moves, s.office, cards, s.catalogue, s.drafts)
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    courier = DeliveryWorker(
        outbox=messages, cards=cards, renderer=draw, moves=s.moves, office=s.office, channels=channels,
        bindings=s.registry, ids=s.ids, texts=s.catalogue, owner=owner, rate_limiter=limiter,
        lease_seconds=environment.lease_seconds,
    )  # fmt: skip
    return Mail(messages, cards, draw, courier, owner)


def _telephone(
    environment: Environment, s: Shelves, mail: Mail, line: VoiceCarrier | None, limiter: RateLimiter
) -> tuple[Calls | None, AutoVisits | None]:
    if line is None:
        return None, None
    tools = CallDependencies(
        SqlCallStore(s.db, s.ids, s.vault), mail.letters, s.desk, s.office, s.registry, mail.courier, line, limiter, s.audit,
        s.catalogue, environment.twilio_from, environment.address, environment.hotline, environment.hotline_name,
        s.ids,
    )  # fmt: skip
    visits = AutoVisits(tools)
    return Calls(tools, visits), visits


def _rooms(
    environment: Environment, s: Shelves, mail: Mail, calls: Calls | None, visits: AutoVisits | None, rounds: Rounds
) -> tuple[Rooms, Scoring]:
    """Build the services of the main path, from intake to scoring."""
    filing = TicketFiles(SqlFileStore(s.db), s.clock)
    aids = ScoringDependencies(audit=s.audit, files=filing, outbox=mail.letters, texts=s.catalogue)
    auditor = IntegrityChecks(
        SqlIntegrityStore(s.db, s.ids), s.clock, lambda: datetime.now(UTC), [lambda: list_roster_findings(s.rosters)]
    )
    marks = Scoring(SqlScoringStore(s.db), s.office, s.ids, aids)
    rooms = Rooms(
        clock=s.clock, office=s.office, desk=s.desk, reading=SqlQueryStore(s.db, s.vault), keys=s.keys, filing=filing,
        audit=s.audit, idempotency=SqlIdempotencyStore(s.db, s.vault), catalogue=s.catalogue, public_url=environment.address,
        sandbox=environment.sandbox, intake=s.intake, registry=s.registry, imports=s.imports,
        marks=marks, sandbox_clock=s.sandbox_clock, courier=mail.courier,
        calls=calls, visits=visits, auditor=auditor, heartbeat=rounds.beats, started_at=s.clock.now(),
        providers=providers_of(environment),
    )  # fmt: skip
    return rooms, marks


def _annexes(rooms: Rooms, marks: Scoring, environment: Environment, s: Shelves, mail: Mail, due: SqlDueStore) -> None:
    """Add the other services: duty rosters, time limits, similarity, governance, documents, readiness, platform."""
    rooms.rosters, rooms.duties = s.rosters, DutyRecompute(due, s.desk, s.office, s.audit)
    rooms.bulletins = bulletins_of(s, marks)
    rooms.indicators = Indicators(SqlIndicatorStore(s.db), s.office)
    rooms.likeness, rooms.aid, rooms.hot = s.likeness, s.aid, HotListBuilder(s.gists, s.likeness, s.office)
    rooms.governance = Governance(SqlGovernanceStore(s.db), s.likeness, marks, s.office, s.ids)
    rooms.chases = UnitReadiness(SqlReadinessStore(s.db, s.ids), s.office)
    rooms.platform = mail.draw.platform = _platform(environment, s, mail.owner)


def _listen(s: Shelves, courier: DeliveryWorker, rounds: Rounds) -> None:
    """Wake the workers that have work after a move."""

    def moved(_plan: object, _ticket_no: str) -> None:
        courier.wake()
        rounds.nudge("courier", "calls", "visits", "texts", "informing", "platform")

    def arrived(plan: Plan, ticket_no: str) -> None:
        if plan.entry.verb in ("create", "accept"):
            s.likeness.queue(ticket_no)
            rounds.nudge("likeness")

    s.desk.listeners += [moved, arrived]


def _platform(environment: Environment, s: Shelves, owner: str) -> PlatformSync:
    """Build the service for the external platform; without a URL, moves wait for one."""
    secret, old = environment.platform_secret.get_secret_value(), environment.platform_secret_old.get_secret_value()
    url, feed = environment.platform_url, environment.platform_feed_url
    line = PlatformClient(url, secret, feed) if url else None
    return PlatformSync(
        SqlPlatformStore(s.db), s.office, s.imports, s.values, s.audit, line, (secret, old), owner,
        timedelta(seconds=environment.lease_seconds),
    )  # fmt: skip


def _door(
    channel: Channel, s: Shelves, rooms: Rooms, marks: Scoring, mail: Mail, limiter: RateLimiter, due: SqlDueStore
) -> "InboxWorker":
    """Build the chat adapter with its services."""
    from bot.receive import InboxWorker
    from bot.services import BotServices as ChatHouse
    from notify.chat.telegram import TelegramChannel

    assert isinstance(channel, TelegramChannel)
    house = ChatHouse(
        bot=channel.bot, channel=channel, tickets=s.desk, office=s.office, people=s.registry, chat_state=s.drafts,
        queries=rooms.reading, files=rooms.filing, audit=s.audit, cards=mail.draw, card_store=mail.cards,
        texts=s.catalogue, rate_limiter=limiter, calls=rooms.calls,
    )  # fmt: skip
    house.overview, house.scoring, house.quiet_hours, house.reporting = (
        SqlGlanceStore(s.db),
        marks,
        s.rosters,
        rooms.bulletins,
    )
    house.snooze = SnoozeService(mail.letters, rooms.reading, s.office, s.ids, s.moves, due)
    door = InboxWorker(house, SqlInboxStore(s.db, s.ids))
    rooms.inbox = door
    return door


async def _close_all(rooms: list[Any]) -> None:
    for room in rooms:
        with contextlib.suppress(Exception):
            await room.close()
