"""Opens the core without adapters: database, keys, clock, office, tickets and the services that need only storage."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.deadlines.recompute import DutyRecompute
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.environment import Environment
from backend.importing.history import HistoryImport
from backend.importing.importer_base import ImportServices as Rows
from backend.importing.service import ImportService
from backend.integrity.journal import JournalVerifier
from backend.office.cache import Clock, OfficeCache
from backend.office.duty_roster import DutyRoster
from backend.office.people import People
from backend.reporting import Reporting
from backend.sandbox_clock import SandboxClock
from backend.scoring import Scoring
from backend.tickets.intake import Intake
from backend.tickets.service import TicketService
from backend.triage import Similarity
from backend.triage.dispatching import DispatchSuggestions
from storage.deadlines.due import SqlDueStore
from storage.delivery.chat_state import SqlChatStateStore
from storage.engine import versions
from storage.engine.database import Database, open_database
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.importing.history import SqlHistoryStore as HistoryShelf
from storage.importing.imports import SqlImportStore
from storage.integrity.audit import SqlAuditStore
from storage.integrity.journal import SqlJournalStore
from storage.office.config import SqlConfigStore
from storage.office.duty_roster import SqlDutyRosterStore
from storage.office.key_values import SqlKeyValueStore
from storage.office.keys import SqlKeyStore
from storage.office.people import SqlPeopleStore
from storage.reporting.bulletins import SqlBulletinStore
from storage.scoring.counts import SqlScoringStore
from storage.tickets.intake import SqlIntakeStore
from storage.tickets.moves import PostgresMoveStore, SqliteMoveStore, create_move_store
from storage.triage.catalogue import SqlCatalogueStore
from storage.triage.features import SqlFeatureStore


@dataclass(frozen=True)
class Shelves:
    """All stores, and the services that need nothing else."""

    environment: Environment
    db: Database
    vault: Encryption
    ids: IdSupply
    values: SqlKeyValueStore
    config: SqlConfigStore
    clock: Clock
    sandbox_clock: SandboxClock | None
    office: OfficeCache
    moves: SqliteMoveStore | PostgresMoveStore
    desk: TicketService
    keys: SqlKeyStore
    audit: SqlAuditStore
    people: SqlPeopleStore
    drafts: SqlChatStateStore
    registry: People
    intake: Intake
    imports: ImportService
    verifier: JournalVerifier
    catalogue: Texts
    rosters: DutyRoster
    gists: SqlFeatureStore
    likeness: Similarity
    aid: DispatchSuggestions


def embedded(environment: Environment) -> bool:
    """Whether the database is the embedded SQLite file."""
    return environment.database.startswith("sqlite")


async def prepare(environment: Environment, *, upgrade: bool = False) -> None:
    """Migrate the tables to this version: in the sandbox, in a new embedded file, or with `upgrade`.

    Refused `database_behind` otherwise.
    """
    there = await asyncio.to_thread(versions.read_version, environment.database)
    if there == versions.code_version():
        return
    fresh = there is None and embedded(environment)
    if not (upgrade or fresh or environment.sandbox):
        raise Refused("database_behind")
    await asyncio.to_thread(versions.upgrade, environment.database)


def tables_version(environment: Environment) -> tuple[str | None, str | None]:
    """Return the schema version of the database and that of this code."""
    return versions.read_version(environment.database), versions.code_version()


def bulletins_of(s: Shelves, marks: Scoring | None = None) -> Reporting:
    """Build the reporting service."""
    marks = marks or Scoring(SqlScoringStore(s.db), s.office, s.ids)
    return Reporting(SqlBulletinStore(s.db, s.ids, s.vault), marks, s.audit, s.catalogue)


@contextlib.asynccontextmanager
async def open_office(environment: Environment) -> AsyncIterator[OfficeCache]:
    """Open only the rules, people and calendar in force, for reading; needs no secret."""
    await prepare(environment)
    db = open_database(environment.database)
    try:
        yield OfficeCache(
            SqlConfigStore(db, IdSupply(db)), await _clock(environment, SqlKeyValueStore(db)), environment.profile
        )
    finally:
        await db.close()


@contextlib.asynccontextmanager
async def open_marks(environment: Environment) -> AsyncIterator[Scoring]:
    """Open only the scoring service, for trial runs; needs no secret."""
    await prepare(environment)
    db = open_database(environment.database)
    try:
        ids = IdSupply(db)
        clock = await _clock(environment, SqlKeyValueStore(db))
        yield Scoring(SqlScoringStore(db), OfficeCache(SqlConfigStore(db, ids), clock, environment.profile), ids)
    finally:
        await db.close()


async def _clock(environment: Environment, values: SqlKeyValueStore) -> Clock:
    """Build the clock of this installation: in the sandbox, with the stored offset."""
    sandbox = SandboxClock(values)
    if environment.sandbox:
        await sandbox.load()
    return Clock(sandbox.now, environment.zone)


@contextlib.asynccontextmanager
async def open_shelves(
    environment: Environment, *, upgrade: bool = False, real: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[Shelves]:  # fmt: skip
    """Open the core of a configuration while inside; `real` is the wall clock.

    Raises Refused: `secret_missing`, `secret_short`, `database_behind`.
    """
    vault = Encryption(environment.secret(), [s for s in (environment.secret_key_old.get_secret_value(),) if s])
    await prepare(environment, upgrade=upgrade)
    db = open_database(environment.database)
    try:
        ids, values, catalogue = IdSupply(db), SqlKeyValueStore(db), Texts(environment.language)
        sandbox = SandboxClock(values, real) if environment.sandbox else None
        if sandbox is not None:
            await sandbox.load()
        clock = (
            Clock(sandbox.now, environment.zone, lambda: sandbox.ahead) if sandbox else Clock(real, environment.zone)
        )
        config, moves = SqlConfigStore(db, ids), create_move_store(db)
        office = OfficeCache(config, clock, environment.profile)
        desk = TicketService(moves, office, ids, vault.journal)
        people, drafts = SqlPeopleStore(db, ids, vault), SqlChatStateStore(db)
        registry = People(people, drafts, office)
        intake = Intake(SqlIntakeStore(db), office, ids, vault, desk)
        book = SqlImportStore(db, ids)
        audit = SqlAuditStore(db, ids)
        rosters = DutyRoster(SqlDutyRosterStore(db, ids), office, audit)
        gists = SqlFeatureStore(db, vault)
        likeness = Similarity(gists, office, values)
        aid = DispatchSuggestions(SqlCatalogueStore(db, ids, environment.zone), gists, likeness, office, audit)
        rows = Rows(
            office, intake, registry, desk, book, HistoryImport(HistoryShelf(db, ids, vault), office), rosters, aid
        )
        yield Shelves(
            environment, db, vault, ids, values, config, clock, sandbox, office, moves, desk, SqlKeyStore(db, ids),
            audit, people, drafts, registry, intake, ImportService(rows, book, office, catalogue),
            JournalVerifier(SqlJournalStore(db, ids), vault.journal), catalogue, rosters, gists, likeness, aid,
        )  # fmt: skip
    finally:
        await db.close()


def duties_of(s: Shelves) -> DutyRecompute:
    """Build the service that lists and recomputes time limits."""
    return DutyRecompute(SqlDueStore(s.db), s.desk, s.office, s.audit)
