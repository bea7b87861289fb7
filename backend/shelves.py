"""Opens the core without adapters: database, keys, clock, office, tickets and the services that need only storage."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.bulletins import Bulletins
from backend.desk import Desk
from backend.dispatch_aid import DispatchAid
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.duties import Duties
from backend.environment import Environment
from backend.histories import Histories
from backend.imports import Imports
from backend.intake import Intake
from backend.likeness import Likeness
from backend.marks import Marks
from backend.office import Clock, Office
from backend.registry import Registry
from backend.rosters import Rosters
from backend.sandbox_clock import SandboxClock
from backend.taking import Shelves as Rows
from backend.verifying import Verifier
from storage import migrate
from storage.audit import Audit
from storage.bulletins import BulletinShelf
from storage.config import Configuration
from storage.db import Database, open_database
from storage.dispatch_aid import CatalogueShelf
from storage.drafts import DraftShelf
from storage.due import DueWork
from storage.histories import Histories as HistoryShelf
from storage.house import HouseValues
from storage.ids import Ids
from storage.imports import ImportBook
from storage.intake import Arrivals
from storage.keys import Keys
from storage.likeness import LikenessShelf
from storage.marks import MarksShelf
from storage.moves import PostgresMoves, SqliteMoves, moves_store
from storage.people import PeopleShelf
from storage.rosters import RosterShelf
from storage.vault import Vault
from storage.verify import ChainShelf


@dataclass(frozen=True)
class Shelves:
    """All stores, and the services that need nothing else."""

    environment: Environment
    db: Database
    vault: Vault
    ids: Ids
    values: HouseValues
    config: Configuration
    clock: Clock
    sandbox_clock: SandboxClock | None
    office: Office
    moves: SqliteMoves | PostgresMoves
    desk: Desk
    keys: Keys
    audit: Audit
    people: PeopleShelf
    drafts: DraftShelf
    registry: Registry
    intake: Intake
    imports: Imports
    verifier: Verifier
    catalogue: Texts
    rosters: Rosters
    gists: LikenessShelf
    likeness: Likeness
    aid: DispatchAid


def embedded(environment: Environment) -> bool:
    """Whether the database is the embedded SQLite file."""
    return environment.database.startswith("sqlite")


async def prepare(environment: Environment, *, upgrade: bool = False) -> None:
    """Migrate the tables to this version: in the sandbox, in a new embedded file, or with `upgrade`.

    Refused `database_behind` otherwise.
    """
    there = await asyncio.to_thread(migrate.current, environment.database)
    if there == migrate.head():
        return
    fresh = there is None and embedded(environment)
    if not (upgrade or fresh or environment.sandbox):
        raise Refused("database_behind")
    await asyncio.to_thread(migrate.upgrade, environment.database)


def tables_version(environment: Environment) -> tuple[str | None, str | None]:
    """Return the schema version of the database and that of this code."""
    return migrate.current(environment.database), migrate.head()


def bulletins_of(s: Shelves, marks: Marks | None = None) -> Bulletins:
    """Build the reporting service."""
    marks = marks or Marks(MarksShelf(s.db), s.office, s.ids)
    return Bulletins(BulletinShelf(s.db, s.ids, s.vault), marks, s.audit, s.catalogue)


@contextlib.asynccontextmanager
async def open_office(environment: Environment) -> AsyncIterator[Office]:
    """Open only the rules, people and calendar in force, for reading; needs no secret."""
    await prepare(environment)
    db = open_database(environment.database)
    try:
        yield Office(Configuration(db, Ids(db)), await _clock(environment, HouseValues(db)), environment.profile)
    finally:
        await db.close()


@contextlib.asynccontextmanager
async def open_marks(environment: Environment) -> AsyncIterator[Marks]:
    """Open only the scoring service, for trial runs; needs no secret."""
    await prepare(environment)
    db = open_database(environment.database)
    try:
        ids = Ids(db)
        clock = await _clock(environment, HouseValues(db))
        yield Marks(MarksShelf(db), Office(Configuration(db, ids), clock, environment.profile), ids)
    finally:
        await db.close()


async def _clock(environment: Environment, values: HouseValues) -> Clock:
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
    vault = Vault(environment.secret(), [s for s in (environment.secret_key_old.get_secret_value(),) if s])
    await prepare(environment, upgrade=upgrade)
    db = open_database(environment.database)
    try:
        ids, values, catalogue = Ids(db), HouseValues(db), Texts(environment.language)
        sandbox = SandboxClock(values, real) if environment.sandbox else None
        if sandbox is not None:
            await sandbox.load()
        clock = (
            Clock(sandbox.now, environment.zone, lambda: sandbox.ahead) if sandbox else Clock(real, environment.zone)
        )
        config, moves = Configuration(db, ids), moves_store(db)
        office = Office(config, clock, environment.profile)
        desk = Desk(moves, office, ids, vault.journal)
        people, drafts = PeopleShelf(db, ids, vault), DraftShelf(db)
        registry = Registry(people, drafts, office)
        intake = Intake(Arrivals(db), office, ids, vault, desk)
        book = ImportBook(db, ids)
        audit = Audit(db, ids)
        rosters = Rosters(RosterShelf(db, ids), office, audit)
        gists = LikenessShelf(db, vault)
        likeness = Likeness(gists, office, values)
        aid = DispatchAid(CatalogueShelf(db, ids, environment.zone), gists, likeness, office, audit)
        rows = Rows(office, intake, registry, desk, book, Histories(HistoryShelf(db, ids, vault), office), rosters, aid)
        yield Shelves(
            environment, db, vault, ids, values, config, clock, sandbox, office, moves, desk, Keys(db, ids),
            audit, people, drafts, registry, intake, Imports(rows, book, office, catalogue),
            Verifier(ChainShelf(db, ids), vault.journal), catalogue, rosters, gists, likeness, aid,
        )  # fmt: skip
    finally:
        await db.close()


def duties_of(s: Shelves) -> Duties:
    """Build the service that lists and recomputes time limits."""
    return Duties(DueWork(s.db), s.desk, s.office, s.audit)
