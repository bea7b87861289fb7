"""Builds what takes, proves and puts back backups, for commands and for the nightly worker."""

import asyncio
import os
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from backend.app.config import Config
from backend.app.core import read_wall_clock
from backend.domain.chance import Chance
from backend.integrity.journal import JournalVerifier
from backend.office.clock import Clock
from backend.operations.backups import Backups, ChainEnd, VerifyChain, Versions
from backend.ports.backups import DatabaseCopies, Manifest
from storage.engine import versions
from storage.engine.encryption import Encryption
from storage.engine.ids import IdSupply
from storage.engine.open import open_database
from storage.integrity.journal import SqlJournalStore
from storage.operations.backup_files import EncryptedBackupFiles


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
    async def verify(url: str, key: str) -> ChainEnd:
        await asyncio.to_thread(versions.upgrade, url)  # of an older copy: also shown to work
        db = open_database(url, time.monotonic)
        try:
            store = SqlJournalStore(db, IdSupply(db))
            report = await JournalVerifier(store, encryption.journal_keys[key]).verify()
            return ChainEnd(len(report.findings), report.lines, report.seal)
        finally:
            await db.close()

    return verify


def dump_manifest(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest as a JSON document."""
    document = asdict(manifest)
    return {**document.pop("contents"), **document}
