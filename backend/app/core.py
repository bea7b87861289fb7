"""Opens the core without adapters: database, keys, clock, office, tickets and the services that need only storage."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backend.app.build_scanner import build_scanner
from backend.app.config import Config
from backend.deadlines.recompute import DutyRecompute
from backend.domain.chance import Chance
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.importing.history import HistoryImport
from backend.importing.importer_base import ImportServices
from backend.importing.service import ImportService
from backend.integrity.journal import JournalVerifier
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from backend.office.duty_roster import DutyRoster
from backend.office.people import People
from backend.ports.availability import Unavailable
from backend.rehearsal.clock import SandboxClock
from backend.reporting import Reporting
from backend.scoring import Scoring
from backend.tickets.intake import Intake
from backend.tickets.screening import Screening
from backend.tickets.service import TicketService
from backend.triage import Similarity
from backend.triage.dispatching import DispatchSuggestions
from storage.deadlines.due import SqlDueStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.engine import versions
from storage.engine.condition import Condition
from storage.engine.database import Database
from storage.engine.database_time import DatabaseTime
from storage.engine.encryption import Encryption
from storage.engine.gate import Numbers
from storage.engine.ids import IdSupply
from storage.engine.open import guard_opening, open_database
from storage.importing.history import SqlHistoryStore
from storage.importing.imports import SqlImportStore
from storage.integrity.audit import SqlAuditStore
from storage.integrity.journal import SqlJournalStore
from storage.office.api_keys import SqlKeyStore
from storage.office.config import SqlConfigStore
from storage.office.duty_roster import SqlDutyRosterStore
from storage.office.key_values import SqlKeyValueStore
from storage.office.people import SqlPeopleStore
from storage.reporting.bulletins import SqlBulletinStore
from storage.scoring.counts import SqlScoringStore
from storage.tickets.intake import SqlIntakeStore
from storage.tickets.moves import PostgresMoveStore, SqliteMoveStore, create_move_store
from storage.triage.catalogue import SqlCatalogueStore
from storage.triage.features import SqlFeatureStore


def read_wall_clock() -> datetime:
    """Return the time of this machine, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Core:
    """All stores, and the services that need nothing else."""

    config: Config
    db: Database
    encryption: Encryption
    ids: IdSupply
    key_values: SqlKeyValueStore
    configuration: SqlConfigStore
    clock: Clock
    chance: Chance
    sandbox_clock: SandboxClock | None
    database_time: DatabaseTime | None
    office: OfficeCache
    moves: SqliteMoveStore | PostgresMoveStore
    tickets: TicketService
    keys: SqlKeyStore
    audit: SqlAuditStore
    chat_state: SqlChatStateStore
    people: People
    intake: Intake
    imports: ImportService
    journal_verifier: JournalVerifier
    texts: Texts
    duty_roster: DutyRoster
    similarity_store: SqlFeatureStore
    similarity: Similarity
    dispatch_suggestions: DispatchSuggestions
    screening: Screening


def is_embedded(config: Config) -> bool:
    """Whether the database is the embedded SQLite file."""
    return config.resolved_database_url.startswith("sqlite")


async def prepare_database(config: Config, *, numbers: Numbers | None = None) -> None:
    """Open the database to code of these numbers (this code): in the sandbox, in a new embedded file.

    Refused `database_behind` otherwise, `database_ahead` where only newer code may work (FD12). Raises Unavailable
    `read_only` if it is damaged and can therefore not be read or migrated (XR4).
    """
    url, own, condition = config.resolved_database_url, numbers or versions.get_own_numbers(), Condition(config.state)
    with guard_opening(url, condition):
        found = await asyncio.to_thread(versions.read_standing, url)
    if found.is_ahead(own):
        raise Refused("database_ahead", version=found.version)
    if not found.is_behind(own):
        return
    fresh = found.version is None and is_embedded(config)
    if not (fresh or config.sandbox):
        raise Refused("database_behind")
    if condition.damage is not None:
        raise Unavailable("read_only")
    with guard_opening(url, condition):
        await asyncio.to_thread(versions.upgrade, url, numbers=own)


def build_reporting(core: Core, scoring: Scoring | None = None) -> Reporting:
    """Build the reporting service."""
    scoring = scoring or Scoring(SqlScoringStore(core.db), core.office, core.ids)
    return Reporting(SqlBulletinStore(core.db, core.ids, core.encryption), scoring, core.audit, core.texts)


@contextlib.asynccontextmanager
async def open_office(config: Config) -> AsyncIterator[OfficeCache]:
    """Open only the rules, people and calendar in force, for reading; needs no secret."""
    await prepare_database(config)
    db = open_database(config.resolved_database_url, time.monotonic, config.state)
    try:
        yield OfficeCache(SqlConfigStore(db, IdSupply(db)), await _build_clock(config, db), config.profile)
    finally:
        await db.close()


@contextlib.asynccontextmanager
async def open_scoring(config: Config) -> AsyncIterator[Scoring]:
    """Open only the scoring service, for trial runs; needs no secret."""
    await prepare_database(config)
    db = open_database(config.resolved_database_url, time.monotonic, config.state)
    try:
        ids = IdSupply(db)
        clock = await _build_clock(config, db)
        yield Scoring(SqlScoringStore(db), OfficeCache(SqlConfigStore(db, ids), clock, config.profile), ids)
    finally:
        await db.close()


async def _build_clock(config: Config, db: Database) -> Clock:
    """Build the clock a command goes by: the database's, or that of the rehearsal whose database it opens (XD16)."""
    sampled = await _sample_time(config, db, None)
    sandbox = SandboxClock(SqlKeyValueStore(db), sampled.now if sampled else read_wall_clock)
    await sandbox.catch_up()
    return Clock(sandbox.now, config.zone, time.time, time.monotonic)


async def _sample_time(
    config: Config, db: Database, adjust: Callable[[datetime], datetime] | None
) -> DatabaseTime | None:
    """Ask the database for its clock; None where the database is a file of this host (XR1)."""
    if is_embedded(config):
        return None
    sampled = DatabaseTime(db, time.monotonic, read_wall_clock, adjust or (lambda at: at))
    await sampled.sample()
    return sampled


@contextlib.asynccontextmanager
async def open_core(
    config: Config, *, wall_clock: Callable[[], datetime] | None = None,
    database_says: Callable[[datetime], datetime] | None = None, follow_rehearsal: bool = False,
    numbers: Numbers | None = None,
) -> AsyncIterator[Core]:  # fmt: skip
    """Open the core of a configuration while inside.

    In tests `wall_clock` replaces the host's and the database's clock, `database_says` alters what the latter says.

    With `follow_rehearsal` a command goes by the clock of the rehearsal whose database it opens (XD16).

    Raises Refused: `secret_missing`, `secret_weak`, `secret_of_sandbox`, `database_behind`, `database_ahead`.
    """
    chance, older_keys = Chance(os.urandom), [s for s in (config.secret_key_old.get_secret_value(),) if s]
    encryption = Encryption(config.load_secret_key(), chance, older_keys)
    await prepare_database(config, numbers=numbers)
    db = open_database(config.resolved_database_url, time.monotonic, config.state, numbers)
    try:
        ids, key_values, texts = IdSupply(db), SqlKeyValueStore(db), Texts(config.language)
        sampled = None if wall_clock is not None else await _sample_time(config, db, database_says)
        wall_clock = wall_clock or (sampled.now if sampled is not None else read_wall_clock)
        sandbox = SandboxClock(key_values, wall_clock) if config.sandbox else None
        if sandbox is not None:
            await sandbox.catch_up()
        clock = Clock(wall_clock, config.zone, time.time, time.monotonic)
        if sandbox is not None:
            clock = replace(clock, office_time=sandbox.now, ahead=lambda: sandbox.offset)
        elif follow_rehearsal:
            clock = await _build_clock(config, db)
        configuration, moves = SqlConfigStore(db, ids), create_move_store(db)
        office = OfficeCache(configuration, clock, config.profile)
        tickets = TicketService(moves, office, ids, encryption.journal)
        people, drafts = SqlPeopleStore(db, ids, encryption), SqlChatStateStore(db)
        registry = People(people, drafts, office, chance)
        intake = Intake(SqlIntakeStore(db), office, ids, encryption, tickets)
        import_store = SqlImportStore(db, ids)
        audit = SqlAuditStore(db, ids)
        screening = Screening(build_scanner(config), audit, clock)
        duty_roster = DutyRoster(SqlDutyRosterStore(db, ids), office, audit)
        similarity_store = SqlFeatureStore(db, encryption)
        similarity = Similarity(similarity_store, office, key_values)
        dispatch_suggestions = DispatchSuggestions(
            SqlCatalogueStore(db, ids, config.zone), similarity_store, similarity, office, audit
        )
        row_targets = ImportServices(
            office,
            intake,
            registry,
            tickets,
            import_store,
            HistoryImport(SqlHistoryStore(db, ids, encryption), office),
            duty_roster,
            dispatch_suggestions,
        )
        yield Core(
            config, db, encryption, ids, key_values, configuration, clock, chance, sandbox, sampled, office, moves, tickets, SqlKeyStore(db, ids, chance),
            audit, drafts, registry, intake, ImportService(row_targets, import_store, office, texts, screening),
            JournalVerifier(SqlJournalStore(db, ids), encryption.journal), texts, duty_roster, similarity_store, similarity, dispatch_suggestions,
            screening,
        )  # fmt: skip
    finally:
        await db.close()


def build_deadlines(core: Core) -> DutyRecompute:
    """Build the service that lists and recomputes time limits."""
    return DutyRecompute(SqlDueStore(core.db), core.tickets, core.office, core.audit)
