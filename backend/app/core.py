"""Opens the core without adapters: database, keys, clock, office, tickets and the services that need only storage."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

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
from backend.rehearsal.clock import SandboxClock
from backend.reporting import Reporting
from backend.scoring import Scoring
from backend.tickets.intake import Intake
from backend.tickets.service import TicketService
from backend.triage import Similarity
from backend.triage.dispatching import DispatchSuggestions
from storage.deadlines.due import SqlDueStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.engine import versions
from storage.engine.database import Database
from storage.engine.encryption import Encryption
from storage.engine.gate import Numbers
from storage.engine.ids import IdSupply
from storage.engine.open import open_database
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


def is_embedded(config: Config) -> bool:
    """Whether the database is the embedded SQLite file."""
    return config.resolved_database_url.startswith("sqlite")


async def prepare_database(config: Config, *, numbers: Numbers | None = None) -> None:
    """Open the database to code of these numbers (this code): in the sandbox, in a new embedded file.

    Refused `database_behind` otherwise, `database_ahead` where only newer code may work (FD12).
    """
    url, own = config.resolved_database_url, numbers or versions.get_own_numbers()
    found = await asyncio.to_thread(versions.read_standing, url)
    if found.is_ahead(own):
        raise Refused("database_ahead", version=found.version)
    if not found.is_behind(own):
        return
    fresh = found.version is None and is_embedded(config)
    if not (fresh or config.sandbox):
        raise Refused("database_behind")
    await asyncio.to_thread(versions.upgrade, url, numbers=own)


def build_reporting(core: Core, scoring: Scoring | None = None) -> Reporting:
    """Build the reporting service."""
    scoring = scoring or Scoring(SqlScoringStore(core.db), core.office, core.ids)
    return Reporting(SqlBulletinStore(core.db, core.ids, core.encryption), scoring, core.audit, core.texts)


@contextlib.asynccontextmanager
async def open_office(config: Config) -> AsyncIterator[OfficeCache]:
    """Open only the rules, people and calendar in force, for reading; needs no secret."""
    await prepare_database(config)
    db = open_database(config.resolved_database_url, time.monotonic)
    try:
        yield OfficeCache(
            SqlConfigStore(db, IdSupply(db)), await _build_clock(config, SqlKeyValueStore(db)), config.profile
        )
    finally:
        await db.close()


@contextlib.asynccontextmanager
async def open_scoring(config: Config) -> AsyncIterator[Scoring]:
    """Open only the scoring service, for trial runs; needs no secret."""
    await prepare_database(config)
    db = open_database(config.resolved_database_url, time.monotonic)
    try:
        ids = IdSupply(db)
        clock = await _build_clock(config, SqlKeyValueStore(db))
        yield Scoring(SqlScoringStore(db), OfficeCache(SqlConfigStore(db, ids), clock, config.profile), ids)
    finally:
        await db.close()


async def _build_clock(config: Config, values: SqlKeyValueStore) -> Clock:
    """Build the clock a command goes by: real time, or that of the rehearsal whose database it opens (XD16)."""
    sandbox = SandboxClock(values, read_wall_clock)
    await sandbox.catch_up()
    return Clock(sandbox.now, config.zone, time.time, time.monotonic)


@contextlib.asynccontextmanager
async def open_core(
    config: Config, *, wall_clock: Callable[[], datetime] = read_wall_clock,
    follow_rehearsal: bool = False, numbers: Numbers | None = None,
) -> AsyncIterator[Core]:  # fmt: skip
    """Open the core of a configuration while inside; `wall_clock` is replaced in tests.

    With `follow_rehearsal` a command goes by the clock of the rehearsal whose database it opens (XD16).

    Raises Refused: `secret_missing`, `secret_weak`, `secret_of_sandbox`, `database_behind`, `database_ahead`.
    """
    chance, older_keys = Chance(os.urandom), [s for s in (config.secret_key_old.get_secret_value(),) if s]
    encryption = Encryption(config.load_secret_key(), chance, older_keys)
    await prepare_database(config, numbers=numbers)
    db = open_database(config.resolved_database_url, time.monotonic, numbers)
    try:
        ids, key_values, texts = IdSupply(db), SqlKeyValueStore(db), Texts(config.language)
        sandbox = SandboxClock(key_values, wall_clock) if config.sandbox else None
        if sandbox is not None:
            await sandbox.catch_up()
        clock = Clock(wall_clock, config.zone, time.time, time.monotonic)
        if sandbox is not None:
            clock = replace(clock, office_time=sandbox.now, ahead=lambda: sandbox.offset)
        elif follow_rehearsal:
            clock = await _build_clock(config, key_values)
        configuration, moves = SqlConfigStore(db, ids), create_move_store(db)
        office = OfficeCache(configuration, clock, config.profile)
        tickets = TicketService(moves, office, ids, encryption.journal)
        people, drafts = SqlPeopleStore(db, ids, encryption), SqlChatStateStore(db)
        registry = People(people, drafts, office, chance)
        intake = Intake(SqlIntakeStore(db), office, ids, encryption, tickets)
        import_store = SqlImportStore(db, ids)
        audit = SqlAuditStore(db, ids)
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
            config, db, encryption, ids, key_values, configuration, clock, chance, sandbox, office, moves, tickets, SqlKeyStore(db, ids, chance),
            audit, drafts, registry, intake, ImportService(row_targets, import_store, office, texts),
            JournalVerifier(SqlJournalStore(db, ids), encryption.journal), texts, duty_roster, similarity_store, similarity, dispatch_suggestions,
        )  # fmt: skip
    finally:
        await db.close()


def build_deadlines(core: Core) -> DutyRecompute:
    """Build the service that lists and recomputes time limits."""
    return DutyRecompute(SqlDueStore(core.db), core.tickets, core.office, core.audit)
