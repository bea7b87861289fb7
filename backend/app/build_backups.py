"""Builds what takes, proves and puts back backups, for commands and for the nightly worker."""

import asyncio
import contextlib
import os
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from backend.app.config import Config
from backend.app.core import Core, read_wall_clock
from backend.domain.chance import Chance
from backend.integrity.journal import JournalVerifier
from backend.office.clock import Clock
from backend.operations.alarms import Alarms
from backend.operations.backups import Backups, ChainEnd, VerifyChain, Versions
from backend.operations.daily_backups import DailyBackups
from backend.operations.hold import Holds
from backend.ports.backups import DatabaseCopies, Manifest, Mark, MarkPlace
from storage.delivery.leases import SqlLeases
from storage.engine import versions
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.open import open_database
from storage.integrity.journal import SqlJournalStore
from storage.operations.backup_files import EncryptedBackupFiles
from storage.operations.hold import SqlHoldStore
from storage.operations.mark_places import FileMark, RedisMark, connect_redis

log = structlog.get_logger("operations")


def build_backups(config: Config, url: str = "") -> Backups:
    """Build for the configured database, or for the one at `url`. Refused `secret_missing`, `secret_weak`."""
    chance = Chance(os.urandom)
    older = [s for s in (config.secret_key_old.get_secret_value(),) if s]
    encryption = Encryption(config.load_secret_key(), chance, older)
    url = url or config.resolved_database_url
    path = find_file(url)
    files = EncryptedBackupFiles(encryption, path.parent if path else config.data)
    clock = Clock(read_wall_clock, config.zone, time.time, time.monotonic)
    code = Versions(version("jiesu"), versions.code_version() or "")
    return Backups(_open_copies(url), files, _build_verifier(encryption), clock, chance, code)


def build_daily_backups(core: Core, owner: str, alarms: Alarms) -> DailyBackups | None:
    """Build the nightly worker; None without a folder."""
    config = core.config
    if config.backup_to is None:
        return None
    lease = SqlLeases(core.db)
    return DailyBackups(build_backups(config), config.backup_to, lease, owner, core.clock, alarms)


def build_holds(core: Core, stack: contextlib.AsyncExitStack) -> Holds:
    """Build what holds a database that went back in time; what must be closed is closed by `stack`."""
    config = core.config
    if not config.sandbox and is_state_beside_data(config):
        log.warning("state_beside_data", folder=str(config.state))
    client = connect_redis(config.redis_url) if config.redis_url else None
    if client is not None:
        stack.push_async_callback(client.aclose)
    return Holds(SqlHoldStore(core.db, core.ids), open_mark_places(config, client), core.clock, core.chance)


async def is_held(config: Config) -> bool:
    """Whether what was restored still waits for its release, by the database alone."""
    db = open_database(config.resolved_database_url, time.monotonic, config.state)
    try:
        return (await SqlHoldStore(db, IdSupply(db)).read()).hold is not None
    finally:
        await db.close()


def is_state_beside_data(config: Config) -> bool:
    """Whether the folder of marks lies in that of the data, so that both are put back together."""
    return config.state.resolve().is_relative_to(config.data.resolve())


def open_mark_places(config: Config, client: Any = None) -> list[MarkPlace]:
    """Return where marks are kept: the folder of states, and Redis by its client."""
    places: list[MarkPlace] = [FileMark(config.state)]
    return places if client is None else [*places, RedisMark(client)]


async def read_marks(config: Config) -> list[Mark]:
    """Read the marks outside the database, as far as they can be read."""
    client = connect_redis(config.redis_url) if config.redis_url else None
    marks = []
    for place in open_mark_places(config, client):
        with contextlib.suppress(Exception):
            marks.append(await place.read())
    if client is not None:
        await client.aclose()
    return [mark for mark in marks if mark is not None]


def find_file(url: str) -> Path | None:
    """Return the file of an SQLite URL; None for another."""
    return Path(url.removeprefix("sqlite:///")).resolve() if url.startswith("sqlite") else None


def _open_copies(url: str) -> DatabaseCopies:
    if find_file(url):
        from storage.operations.copies_sqlite import SqliteCopies

        return SqliteCopies(url)
    from storage.operations.copies_postgres import PostgresCopies

    return PostgresCopies(url)


def _build_verifier(encryption: Encryption) -> VerifyChain:
    async def verify(url: str) -> ChainEnd:
        await asyncio.to_thread(versions.upgrade, url)  # of an older copy: also shown to work
        db = open_database(url, time.monotonic)
        try:
            store = SqlJournalStore(db, IdSupply(db))
            report = await JournalVerifier(store, encryption.journal_keys).verify()
            return ChainEnd(len(report.findings), report.lines, report.seal)
        finally:
            await db.close()

    return verify


def dump_manifest(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as a JSON document."""
    document = asdict(manifest)
    return {**document.pop("contents"), **document}
