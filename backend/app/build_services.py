"""Opens the services, which need the secret key: people, tickets, delivery, calls, visits … with the drivers given."""

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backend.app.build_backups import build_holds
from backend.app.build_operations import OperationParts, build_operations
from backend.app.config import Config
from backend.app.core import Core, Opening, open_core
from backend.app.drivers import Drivers
from backend.calls.dependencies import CallDependencies
from backend.calls.service import Calls
from backend.deadlines.recompute import DutyRecompute
from backend.delivery.cards import CardRenderer
from backend.delivery.worker import DeliveryWorker
from backend.domain.acts import Plan
from backend.domain.chance import Chance
from backend.identity.accounts import Accounts
from backend.identity.keys import ApiKeys
from backend.identity.passwords import Passwords
from backend.identity.sign_in import SignIn
from backend.importing.history import HistoryImport
from backend.importing.importer_base import ImportServices
from backend.importing.service import ImportService
from backend.integrity.calendar_end import list_calendar_findings
from backend.integrity.checks import IntegrityChecks
from backend.integrity.journal import JournalVerifier
from backend.office.duty_roster import DutyRoster, list_roster_findings
from backend.office.people import People
from backend.office.readiness import UnitReadiness
from backend.operations.beats import Rhythm
from backend.operations.gate import VersionGate
from backend.platform.service import PlatformSync
from backend.reporting import Reporting
from backend.reporting.indicators import Indicators
from backend.services import Services
from backend.tickets.intake import Intake
from backend.tickets.service import TicketService
from backend.triage import Similarity
from backend.triage.dispatching import DispatchSuggestions
from backend.triage.governance_projects import Governance
from backend.triage.hot import HotListBuilder
from backend.visits.automatic import AutoVisits
from backend.visits.do_not_call import DoNotCall
from backend.visits.manual import ManualVisits
from backend.visits.rating_pages import RatingPages
from backend.visits.requester_news import RequesterNews
from backend.visits.service import VisitService
from backend.visits.statistics import VisitStatistics
from backend.visits.texting import RequesterTexts
from notify.rate_limit import LocalRateLimiter, RateLimiter
from storage.calls.calls import SqlCallStore
from storage.deadlines.due import SqlDueStore
from storage.delivery.cards import SqlCardStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.engine.encryption import Encryption
from storage.importing.history import SqlHistoryStore
from storage.importing.imports import SqlImportStore
from storage.integrity.checks import SqlIntegrityStore
from storage.integrity.journal import SqlJournalStore
from storage.office.accounts import SqlAccountStore
from storage.office.api_keys import SqlKeyStore
from storage.office.duty_roster import SqlDutyRosterStore
from storage.office.people import SqlPeopleStore
from storage.office.readiness import SqlReadinessStore
from storage.operations.gate import SqlGateStore
from storage.platform.writebacks import SqlPlatformStore
from storage.reporting.bulletins import SqlBulletinStore
from storage.reporting.indicators import SqlIndicatorStore
from storage.tickets.intake import SqlIntakeStore
from storage.tickets.moves import PostgresMoveStore, SqliteMoveStore, create_move_store
from storage.tickets.queries import SqlQueryStore
from storage.triage.catalogue import SqlCatalogueStore
from storage.triage.features import SqlFeatureStore
from storage.triage.governance_projects import SqlGovernanceStore
from storage.visits.news import SqlRequesterNewsStore
from storage.visits.rating_pages import SqlRatingPageStore
from storage.visits.texts import SqlRequesterTextStore
from storage.visits.visits import SqlVisitStore
from storage.web.idempotency import SqlIdempotencyStore


@dataclass(frozen=True)
class Process:
    """This process: how leases name it, its roles, how often it beats (None goes by the lease), its commands' token."""

    owner: str
    roles: Collection[str] = ()
    rhythm: Rhythm | None = None
    token: str = ""


@dataclass(frozen=True)
class Built:
    """The services, and the parts that only workers and the chat adapter use."""

    core: Core
    services: Services
    drivers: Drivers
    process: Process
    rate_limiter: RateLimiter
    encryption: Encryption
    moves: SqliteMoveStore | PostgresMoveStore
    chat_state: SqlChatStateStore
    cards: SqlCardStore
    renderer: CardRenderer
    journal: SqlJournalStore
    findings: SqlIntegrityStore
    due_work: SqlDueStore
    delivery: DeliveryWorker
    automatic_visits: AutoVisits
    operations: OperationParts
    heartbeats: dict[str, float]  # worker → `clock.monotonic` seconds of its last completed run


def build_encryption(config: Config, chance: Chance) -> Encryption:
    """Build it from the configured keys. Refused `secret_missing`, `secret_weak`, `secret_of_sandbox`."""
    older = [key for key in (config.secret_key_old.get_secret_value(),) if key]
    return Encryption(config.load_secret_key(), chance, older)


def name_process(chance: Chance) -> str:
    """Return a name for leases, unlike that of any other process."""
    return f"{socket.gethostname()}-{os.getpid()}-{chance.hex_token(3)}"


@contextlib.asynccontextmanager
async def open_services(config: Config, opening: Opening | None = None) -> AsyncIterator[Built]:
    """Open the services without drivers, for commands. Raises Refused as `build_encryption` and `open_core` do."""
    build_encryption(config, Chance(os.urandom))  # before the database is made
    async with contextlib.AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(config, opening))
        process = Process(name_process(core.chance))
        yield build_services(core, Drivers(), process, LocalRateLimiter(core.clock.monotonic), stack)


def build_services(
    core: Core, drivers: Drivers, process: Process, rate_limiter: RateLimiter, stack: contextlib.AsyncExitStack,
    providers: Mapping[str, str] | None = None,
) -> Built:  # fmt: skip
    """Build every service, lowest layer first; what must be closed is closed by `stack`."""
    config, db, ids, signals, office = core.config, core.db, core.ids, core.signals, core.office
    audit, texts, scoring, chance, clock = core.audit, core.texts, core.scoring, core.chance, core.clock
    encryption = build_encryption(config, chance)
    lease = timedelta(seconds=config.lease_seconds)

    # who, tickets, what they are about
    moves, chat_state, features = create_move_store(db), SqlChatStateStore(db), SqlFeatureStore(db, encryption)
    tickets = TicketService(moves, office, ids, encryption.journal, signals.moved)
    people = People(SqlPeopleStore(db, ids, encryption), chat_state, office, chance)
    keys = SqlKeyStore(db, ids, chance)
    accounts, sign_in = _build_identity(core, encryption, keys, stack)
    duty_roster = DutyRoster(SqlDutyRosterStore(db, ids), office, audit)
    intake = Intake(SqlIntakeStore(db), office, ids, encryption, tickets)
    similarity = Similarity(features, office, core.key_values)
    suggestions = DispatchSuggestions(SqlCatalogueStore(db, ids, config.zone), features, similarity, office, audit)
    import_store = SqlImportStore(db, ids)
    imports = ImportService(
        ImportServices(
            office, intake, people, tickets, import_store, HistoryImport(SqlHistoryStore(db, ids, encryption), office),
            duty_roster, suggestions,
        ), import_store, office, texts, core.screening,
    )  # fmt: skip
    _wake_after_moves(core, similarity)

    # what is told, called and asked
    platform = PlatformSync(
        SqlPlatformStore(db), office, imports, core.key_values, audit, drivers.platform,
        (config.platform_secret.get_secret_value(), config.platform_secret_old.get_secret_value()), process.owner, lease,
        signals.alarms,
    )  # fmt: skip
    cards = SqlCardStore(db, ids, encryption)
    renderer = CardRenderer(moves, office, cards, texts, chat_state, platform)
    delivery = DeliveryWorker(
        outbox=core.outbox, cards=cards, renderer=renderer, moves=moves, office=office, channels=drivers.channels,
        bindings=people, ids=ids, texts=texts, owner=process.owner, chance=chance, rate_limiter=rate_limiter,
        lease_seconds=config.lease_seconds, tell_alarm=signals.alarms,
    )  # fmt: skip
    signals.wakeups.add("delivery", delivery.wake)
    signals.serving_again.add(delivery.resume)
    signals.serving_again.add(signals.wakeups.wake)
    calls = CallDependencies(
        SqlCallStore(db, ids, encryption), core.outbox, tickets, office, people, delivery, drivers.voice, rate_limiter, audit,
        texts, config.base_url, config.hotline, config.hotline_name, ids, chance, scoring.ledgers,
        lambda: signals.wakeups.wake("calls", "delivery"), signals.alarms,
    )  # fmt: skip
    visits = _build_visits(core, encryption, calls, drivers)
    automatic_visits = AutoVisits(calls, visits.texting.offer, visits.pages.is_awaited)

    # how it all is
    findings, journal = SqlIntegrityStore(db, ids), SqlJournalStore(db, ids)
    others = [lambda: list_roster_findings(duty_roster), lambda: list_calendar_findings(office)]
    integrity, holds = IntegrityChecks(findings, clock, others), build_holds(core, stack)
    heartbeats: dict[str, float] = {}
    operations = build_operations(
        core, process.roles, process.rhythm, heartbeats, integrity, people, drivers, [holds.follow_beat]
    )
    due_work = SqlDueStore(db)
    services = Services(
        clock=clock, chance=chance, office=office, tickets=tickets, queries=SqlQueryStore(db, encryption),
        keys=keys, api_keys=ApiKeys(keys, office, audit), accounts=accounts, sign_in=sign_in, files=core.files, audit=audit, idempotency=SqlIdempotencyStore(db, encryption),
        texts=texts, intake=intake, people=people, imports=imports, scoring=scoring,
        reporting=Reporting(SqlBulletinStore(db, ids, encryption), scoring, audit, texts),
        indicators=Indicators(SqlIndicatorStore(db), office), platform=platform,
        readiness=UnitReadiness(SqlReadinessStore(db, ids), office), duty_roster=duty_roster,
        deadlines=DutyRecompute(due_work, tickets, office, audit), similarity=similarity,
        hot_topics=HotListBuilder(features, similarity, office), dispatch_suggestions=suggestions,
        governance=Governance(SqlGovernanceStore(db), similarity, scoring, office, ids), visits=visits,
        calls=Calls(calls, {"visit": automatic_visits}), integrity=integrity,
        journal=JournalVerifier(journal, encryption.journal_keys), holds=holds, health=operations.health,
        gate=VersionGate(SqlGateStore(db), clock, lambda: operations.alarms.tell("version_gate")),
        list_conditions=lambda: [*operations.storage.list_conditions(), *core.screening.list_conditions()], tell_alarm=signals.alarms, addresses=config.addresses,
        heartbeats=heartbeats, providers=providers or {}, process_token=process.token,
    )  # fmt: skip
    return Built(
        core, services, drivers, process, rate_limiter, encryption, moves, chat_state, cards, renderer, journal, findings,
        due_work, delivery, automatic_visits, operations, heartbeats,
    )  # fmt: skip


def _build_identity(
    core: Core, encryption: Encryption, keys: SqlKeyStore, stack: contextlib.AsyncExitStack
) -> tuple[Accounts, SignIn]:
    """Build the accounts and what opens their sessions."""
    db, ids, office, audit, chance = core.db, core.ids, core.office, core.audit, core.chance
    passwords = Passwords()
    real_now = core.database_time.now if core.database_time is not None else core.clock.real_now
    stack.callback(passwords.close)
    store = SqlAccountStore(db, ids, encryption, chance)
    accounts = Accounts(store, keys, office, audit, passwords, chance, real_now)
    people = SqlPeopleStore(db, ids, encryption)
    return accounts, SignIn(accounts, people, keys, office, audit, passwords, chance, encryption.session, real_now)


def _build_visits(core: Core, encryption: Encryption, calls: CallDependencies, drivers: Drivers) -> VisitService:
    """Build the visit service; it sends SMS where a gateway is configured."""
    config, office, audit = core.config, core.office, core.audit
    store, public_url = SqlVisitStore(core.db, encryption), config.base_url.rstrip("/")
    pages = RatingPages(
        SqlRatingPageStore(core.db, core.ids, core.chance), calls.tickets, office, audit, public_url, config.hotline,
        config.hotline_name,
    )  # fmt: skip
    texts = SqlRequesterTextStore(core.db, core.ids, encryption)
    texting = RequesterTexts(
        texts, calls.store, store, calls.tickets, office, core.texts, audit, calls.rate_limiter, drivers.sms,
        core.chance, pages, public_url, config.hotline, config.hotline_name,
    )  # fmt: skip
    return VisitService(
        store, office, audit, ManualVisits(store, office, core.texts, config.hotline_name),
        DoNotCall(store, office, audit), VisitStatistics(store, office), pages, texting,
        RequesterNews(SqlRequesterNewsStore(core.db), texts, calls.store, office),
    )  # fmt: skip


def _wake_after_moves(core: Core, similarity: Similarity) -> None:
    """Wake the workers that have work after a move."""
    wake = core.signals.wakeups.wake

    def on_move(plan: Plan, ticket_no: str) -> None:
        wake("delivery", "calls", "visits", "requester_texts", "requester_news", "platform")
        if plan.entry.verb in ("create", "accept"):
            similarity.queue(ticket_no)
            wake("similarity")

    core.signals.moved.add(on_move)
