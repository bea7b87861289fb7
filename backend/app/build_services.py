"""Builds every service with its dependencies, in order."""

import contextlib
import os
import secrets
import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from backend.app.application import Application
from backend.app.build_backups import build_daily_backups, build_holds
from backend.app.build_operations import OperationParts, build_operations, watch_outages
from backend.app.build_visits import build_visits
from backend.app.config import Config
from backend.app.core import Core, build_reporting
from backend.app.drivers import (
    build_channels,
    build_provider_status,
    build_rate_limiter,
    build_voice_carrier,
)
from backend.app.jobs import add_workers
from backend.app.workers import Worker, Workers
from backend.calls.dependencies import CallDependencies
from backend.calls.service import Calls
from backend.deadlines.recompute import DutyRecompute
from backend.delivery.cards import CardRenderer
from backend.delivery.sms import SmsWorker
from backend.delivery.snooze import SnoozeService
from backend.delivery.worker import DeliveryWorker
from backend.domain.acts import Plan
from backend.integrity.calendar_end import list_calendar_findings
from backend.integrity.checks import IntegrityChecks
from backend.office.duty_roster import list_roster_findings
from backend.office.readiness import UnitReadiness
from backend.operations.beats import Rhythm
from backend.operations.gate import VersionGate
from backend.operations.hold import Holds
from backend.platform.service import PlatformSync
from backend.ports.alarms import TellAlarm
from backend.reporting.indicators import Indicators
from backend.scoring.dependencies import ScoringDependencies
from backend.scoring.service import Scoring
from backend.services import Services
from backend.tickets.files import TicketFiles
from backend.triage.governance_projects import Governance
from backend.triage.hot import HotListBuilder
from backend.visits.automatic import AutoVisits
from backend.visits.service import VisitService
from notify.carrier import VoiceCarrier
from notify.channel import Channel
from notify.platform_client import PlatformClient
from notify.rate_limit import RateLimiter
from storage.calls.calls import SqlCallStore
from storage.deadlines.due import SqlDueStore
from storage.delivery.cards import SqlCardStore
from storage.delivery.inbox import SqlInboxStore
from storage.delivery.outbox import SqlOutboxStore
from storage.integrity.checks import SqlIntegrityStore
from storage.office.readiness import SqlReadinessStore
from storage.operations.gate import SqlGateStore
from storage.platform.writebacks import SqlPlatformStore
from storage.reporting.indicators import SqlIndicatorStore
from storage.scoring.counts import SqlScoringStore
from storage.tickets.files import SqlFileStore
from storage.tickets.glance import SqlGlanceStore
from storage.tickets.queries import SqlQueryStore
from storage.triage.governance_projects import SqlGovernanceStore
from storage.web.idempotency import SqlIdempotencyStore

if TYPE_CHECKING:
    from bot.receive import InboxWorker
    from sandbox.simulator import Simulator


@dataclass(frozen=True)
class DeliveryParts:
    """The parts of delivery: messages, chat cards, and what renders and sends both."""

    outbox: SqlOutboxStore
    cards: SqlCardStore
    card_updater: CardRenderer
    worker: DeliveryWorker
    owner: str  # identifies this process in leases


async def build_application(
    config: Config, core: Core, simulator: "Simulator | None", roles: Collection[str], stack: contextlib.AsyncExitStack,
    rhythm: Rhythm | None = None,
) -> Application:  # fmt: skip
    """Build all services and the workers; what must be closed is closed by `stack`. `rhythm`: None goes by the lease."""
    s = core
    if simulator is not None:
        simulator.now = simulator.chat.now = simulator.phones.now = s.clock.now
    channels, carrier = build_channels(config), build_voice_carrier(config)
    limiter = await build_rate_limiter(config, core, stack)
    workers = Workers([], config.tick_seconds, core.clock.monotonic)
    integrity, spare = _build_integrity(s), build_voice_carrier(config, spare=True)
    carriers = [one for one in (carrier, spare) if one is not None]
    operations = build_operations(config, s, roles, rhythm, workers, integrity, channels, carriers, config.twilio_from)
    delivery = _build_delivery(config, s, channels, limiter, operations.alarms.tell_soon)
    calls, automatic_visits = _build_calls(config, s, delivery, carrier, limiter)
    visits = build_visits(config, s, calls, limiter)
    due = SqlDueStore(s.db)
    holds = build_holds(config, s, stack)
    operations.beats.listeners.append(holds.follow_beat)
    services = _build_services(config, s, delivery, calls, visits, due, workers, integrity, operations, holds)
    services.tell_alarm = s.screening.tell_alarm = operations.alarms.tell_soon
    services.platform.refusals.tell_alarm = operations.alarms.tell_soon
    sms = SmsWorker(
        delivery.outbox, s.moves, s.office, s.people, s.texts, limiter, delivery.owner, s.chance, config.hotline_name,
        config.hotline, visits.texting.gateway if visits.texting else None,
    )  # fmt: skip
    closing: list[Any] = [
        delivery.worker,
        services.platform,
        services.reporting,
        *channels.values(),
        *carriers,
    ]
    if automatic_visits is not None:
        automatic_visits.awaits_page = visits.pages.is_awaited
    if automatic_visits is not None and visits.texting is not None:
        automatic_visits.offer_text = visits.texting.offer
        closing.append(visits.texting)
    inbox_worker = None
    if "telegram" in channels:
        inbox_worker = _build_inbox_worker(channels["telegram"], s, services, delivery, limiter, due)
        services.telegram_secret = config.telegram_secret.get_secret_value()
        inbox_worker.on_received = lambda: workers.wake("chat")
    application = Application(
        config, core, services, workers, due, delivery.worker, sms, automatic_visits, inbox_worker, calls,
        operations.beats, operations.alarms, operations.clock_watch, operations.storage, simulator, "",
    )  # fmt: skip
    add_workers(application, core, roles)
    nightly = build_daily_backups(config, core, delivery.owner, operations.alarms) if "clock" in roles else None
    if nightly is not None:
        workers.add_worker(Worker("backups", nightly.run_once, core.clock.monotonic))
        closing.append(nightly)
    if calls is not None:
        calls.dependencies.wake = lambda: workers.wake("calls", "delivery")
        calls.dependencies.ledger = services.scoring.ledgers
        calls.dependencies.tell_alarm = operations.alarms.tell_soon
    _add_listeners(s, delivery.worker, workers)
    end_back_off = [delivery.worker.resume, workers.wake]
    operations.clock_watch.listeners += end_back_off
    operations.storage.listeners += end_back_off
    stack.push_async_callback(watch_outages(s, end_back_off).close)
    stack.push_async_callback(_close_all, closing)
    return application


def _build_delivery(
    config: Config, core: Core, channels: dict[str, Channel], rate_limiter: RateLimiter, tell_alarm: TellAlarm
) -> DeliveryParts:
    outbox, cards = SqlOutboxStore(core.db, core.ids), SqlCardStore(core.db, core.ids, core.encryption)
    card_updater = CardRenderer(core.moves, core.office, cards, core.texts, core.chat_state)
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    worker = DeliveryWorker(
        outbox=outbox, cards=cards, renderer=card_updater, moves=core.moves, office=core.office, channels=channels,
        bindings=core.people, ids=core.ids, texts=core.texts, owner=owner, chance=core.chance, rate_limiter=rate_limiter,
        lease_seconds=config.lease_seconds, tell_alarm=tell_alarm,
    )  # fmt: skip
    return DeliveryParts(outbox, cards, card_updater, worker, owner)


def _build_calls(
    config: Config, core: Core, delivery: DeliveryParts, carrier: VoiceCarrier | None, rate_limiter: RateLimiter
) -> tuple[Calls | None, AutoVisits | None]:
    if carrier is None:
        return None, None
    call_tools = CallDependencies(
        SqlCallStore(core.db, core.ids, core.encryption), delivery.outbox, core.tickets, core.office, core.people, delivery.worker, carrier, rate_limiter, core.audit,
        core.texts, config.twilio_from, config.base_url, config.hotline, config.hotline_name,
        core.ids, core.chance,
    )  # fmt: skip
    visits = AutoVisits(call_tools)
    return Calls(call_tools, {"visit": visits}), visits


def _build_integrity(core: Core) -> IntegrityChecks:
    others = [lambda: list_roster_findings(core.duty_roster), lambda: list_calendar_findings(core.office)]
    return IntegrityChecks(SqlIntegrityStore(core.db, core.ids), core.clock, others)


def _build_services(
    config: Config,
    core: Core,
    delivery: DeliveryParts,
    calls: Calls | None,
    visits: VisitService,
    due: SqlDueStore,
    workers: Workers,
    integrity: IntegrityChecks,
    operations: OperationParts,
    holds: Holds,
) -> Services:
    """Build the services of the adapters."""
    files = TicketFiles(SqlFileStore(core.db), core.clock, core.chance, core.screening)
    scoring_tools = ScoringDependencies(audit=core.audit, files=files, outbox=delivery.outbox, texts=core.texts)
    scoring = Scoring(SqlScoringStore(core.db), core.office, core.ids, scoring_tools)
    platform = delivery.card_updater.platform = _build_platform(config, core, delivery.owner)
    return Services(
        clock=core.clock, chance=core.chance, office=core.office, tickets=core.tickets, keys=core.keys, files=files, audit=core.audit, texts=core.texts,
        queries=SqlQueryStore(core.db, core.encryption), idempotency=SqlIdempotencyStore(core.db, core.encryption),
        intake=core.intake, people=core.people, imports=core.imports, scoring=scoring, reporting=build_reporting(core, scoring),
        indicators=Indicators(SqlIndicatorStore(core.db), core.office), platform=platform,
        readiness=UnitReadiness(SqlReadinessStore(core.db, core.ids), core.office), duty_roster=core.duty_roster,
        deadlines=DutyRecompute(due, core.tickets, core.office, core.audit), similarity=core.similarity,
        hot_topics=HotListBuilder(core.similarity_store, core.similarity, core.office),
        dispatch_suggestions=core.dispatch_suggestions,
        governance=Governance(SqlGovernanceStore(core.db), core.similarity, scoring, core.office, core.ids),
        visits=visits, integrity=integrity, health=operations.health, holds=holds, gate=VersionGate(SqlGateStore(core.db), core.clock),
        list_conditions=lambda: [*operations.storage.list_conditions(), *core.screening.list_conditions()], calls=calls, sandbox_clock=core.sandbox_clock, addresses=config.addresses,
        sandbox=config.sandbox, heartbeats=workers.heartbeats, providers=build_provider_status(config),
        started_at=core.clock.now(),
    )  # fmt: skip


def _add_listeners(core: Core, delivery: DeliveryWorker, workers: Workers) -> None:
    """Wake the workers that have work after a move."""

    def on_move(_plan: object, _ticket_no: str) -> None:
        delivery.wake()
        workers.wake("delivery", "calls", "visits", "requester_texts", "requester_news", "platform")

    def on_arrival(plan: Plan, ticket_no: str) -> None:
        if plan.entry.verb in ("create", "accept"):
            core.similarity.queue(ticket_no)
            workers.wake("similarity")

    core.tickets.listeners += [on_move, on_arrival]


def _build_platform(config: Config, core: Core, owner: str) -> PlatformSync:
    """Build the service for the external platform; without a URL, moves wait for one."""
    secret, old = config.platform_secret.get_secret_value(), config.platform_secret_old.get_secret_value()
    url, feed = config.platform_url, config.platform_feed_url
    seconds = config.provider_timeout_seconds
    client = PlatformClient(url, secret, feed, config.outgoing_allow, request_seconds=seconds) if url else None
    return PlatformSync(
        SqlPlatformStore(core.db), core.office, core.imports, core.key_values, core.audit, client, (secret, old), owner,
        timedelta(seconds=config.lease_seconds),
    )  # fmt: skip


def _build_inbox_worker(
    channel: Channel,
    core: Core,
    services: Services,
    delivery: DeliveryParts,
    rate_limiter: RateLimiter,
    due: SqlDueStore,
) -> "InboxWorker":
    """Build the chat adapter with its services."""
    from bot.receive import InboxWorker
    from bot.services import BotServices
    from notify.chat.telegram import TelegramChannel

    assert isinstance(channel, TelegramChannel)
    chat_services = BotServices(
        bot=channel.bot, channel=channel, tickets=core.tickets, office=core.office, people=core.people, chat_state=core.chat_state,
        queries=services.queries, files=services.files, audit=core.audit, cards=delivery.card_updater, card_store=delivery.cards,
        texts=core.texts, rate_limiter=rate_limiter, calls=services.calls, overview=SqlGlanceStore(core.db),
        scoring=services.scoring, quiet_hours=core.duty_roster, reporting=services.reporting,
        snooze=SnoozeService(delivery.outbox, services.queries, core.office, core.ids, core.moves, due),
    )  # fmt: skip
    inbox_worker = InboxWorker(chat_services, SqlInboxStore(core.db, core.ids, core.clock.real_now), delivery.owner)
    services.inbox = inbox_worker
    return inbox_worker


async def _close_all(services: list[Any]) -> None:
    for service in services:
        with contextlib.suppress(Exception):
            await service.close()
