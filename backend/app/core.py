"""Opens the core, which needs no secret: database, clock, rules and people in force, scoring."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from backend.app.build_scanner import build_scanner
from backend.app.config import Config
from backend.app.place import inspect_place, is_embedded
from backend.domain.chance import Chance
from backend.domain.refusals import Refused
from backend.domain.texts import Texts
from backend.office.cache import OfficeCache
from backend.office.clock import Clock
from backend.office.signals import Listeners, Signals
from backend.ports.availability import Unavailable
from backend.rehearsal.clock import SandboxClock
from backend.scoring import Scoring
from backend.scoring.dependencies import ScoringDependencies
from backend.tickets.files import TicketFiles
from backend.tickets.screening import Screening
from storage.delivery.outbox import SqlOutboxStore
from storage.engine import versions
from storage.engine.condition import Condition
from storage.engine.database import Database
from storage.engine.database_time import DatabaseTime
from storage.engine.gate import Numbers
from storage.engine.ids import IdSupply
from storage.engine.open import guard_opening, open_database
from storage.integrity.audit import SqlAuditStore
from storage.office.config import SqlConfigStore
from storage.office.key_values import SqlKeyValueStore
from storage.scoring.counts import SqlScoringStore
from storage.tickets.files import SqlFileStore

Now = Callable[[], datetime]


def read_wall_clock() -> datetime:
    """Return the time of this machine, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a database is opened. All but `follows_rehearsal` is for tests.

    `wall_clock` replaces the host's and the database's clock, `database_says` alters what the latter says, the version
    gate admits it by `numbers` instead of those of this code. With `follows_rehearsal` a command goes by the clock of the
    rehearsal whose database it opens (XD16).
    """

    wall_clock: Now | None = None
    database_says: Callable[[datetime], datetime] | None = None
    numbers: Numbers | None = None
    follows_rehearsal: bool = False


@dataclass(frozen=True)
class Core:
    """What needs no secret."""

    config: Config
    db: Database
    ids: IdSupply
    key_values: SqlKeyValueStore
    configuration: SqlConfigStore
    clock: Clock
    chance: Chance
    sandbox_clock: SandboxClock | None  # of the rehearsal this process is; None outside one
    database_time: DatabaseTime | None  # None where the database is a file of this host
    signals: Signals
    unavailable: Listeners[[Unavailable]]  # the database could not serve somebody
    notes: Sequence[str]  # what is wrong with where an embedded database lies, in codes
    texts: Texts
    office: OfficeCache
    audit: SqlAuditStore
    outbox: SqlOutboxStore
    screening: Screening
    files: TicketFiles
    scoring: Scoring


async def prepare_database(config: Config, *, numbers: Numbers | None = None) -> None:
    """Open the database to code of these numbers (this code): in the sandbox, in a new embedded file.

    Refused `database_behind` otherwise, `database_ahead` where only newer code may work (FD12),
    `database_of_old_layout`, `database_foreign`. Raises Unavailable `read_only` if it is damaged and can therefore not be read or migrated (XR4).
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


@contextlib.asynccontextmanager
async def open_core(config: Config, opening: Opening | None = None) -> AsyncIterator[Core]:
    """Open the core of a configuration while inside. Raises Refused: `database_behind`, `database_ahead`, `database_of_old_layout`, `database_foreign`."""
    opening, notes = opening or Opening(follows_rehearsal=True), inspect_place(config)
    await prepare_database(config, numbers=opening.numbers)
    unavailable = Listeners[[Unavailable]]()
    db = open_database(config.resolved_database_url, time.monotonic, config.state, opening.numbers, unavailable)
    try:
        ids, key_values, chance = IdSupply(db), SqlKeyValueStore(db), Chance(os.urandom)
        clock, sandbox_clock, sampled = await _build_clock(config, db, key_values, opening)
        configuration, audit, outbox, signals = (
            SqlConfigStore(db, ids),
            SqlAuditStore(db, ids),
            SqlOutboxStore(db, ids),
            Signals(),
        )
        office, texts = OfficeCache(configuration, clock, config.profile), Texts(config.language)
        screening = Screening(build_scanner(config), audit, clock, signals.alarms)
        files = TicketFiles(SqlFileStore(db), clock, chance, screening)
        scoring = Scoring(SqlScoringStore(db), office, ids, ScoringDependencies(audit, files, outbox, texts))
        yield Core(
            config,
            db,
            ids,
            key_values,
            configuration,
            clock,
            chance,
            sandbox_clock,
            sampled,
            signals,
            unavailable,
            notes,
            texts,
            office,
            audit,
            outbox,
            screening,
            files,
            scoring,
        )
    finally:
        await db.close()


async def _build_clock(
    config: Config, db: Database, key_values: SqlKeyValueStore, opening: Opening
) -> tuple[Clock, SandboxClock | None, DatabaseTime | None]:
    """Build the office's clock; with it the rehearsal's and the database's, where there are such."""
    sampled = None if opening.wall_clock is not None else await _sample_time(config, db, opening.database_says)
    wall_clock = opening.wall_clock or (sampled.now if sampled is not None else read_wall_clock)
    clock = Clock(wall_clock, config.zone, time.time, time.monotonic)
    if not (config.sandbox or opening.follows_rehearsal):
        return clock, None, sampled
    sandbox = SandboxClock(key_values, wall_clock)
    await sandbox.catch_up()
    if config.sandbox:
        return replace(clock, office_time=sandbox.now, ahead=lambda: sandbox.offset), sandbox, sampled
    return replace(clock, office_time=sandbox.now), None, sampled


async def _sample_time(
    config: Config, db: Database, adjust: Callable[[datetime], datetime] | None
) -> DatabaseTime | None:
    """Ask the database for its clock; None where the database is a file of this host (XR1)."""
    if is_embedded(config):
        return None
    sampled = DatabaseTime(db, time.monotonic, read_wall_clock, adjust or (lambda at: at))
    await sampled.sample()
    return sampled
