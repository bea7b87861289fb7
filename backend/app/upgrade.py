"""Upgrades the database for this code: a backup first; former code may go on beside it until `contract` (XR2)."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from backend.app.build_backups import build_backups
from backend.app.config import Config
from backend.app.core import read_wall_clock
from backend.domain.refusals import Refused
from storage.engine import versions
from storage.engine.condition import Condition
from storage.engine.open import guard_opening, is_no_database


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did. `is_pending`: former code is still admitted, so that a contraction is to come."""

    version: str
    backup: Path | None
    is_pending: bool


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Versions of the database's tables and of this code, and a word: `empty` `ahead` `behind` `pending`, '' if well."""

    version: str | None
    ours: str
    word: str


async def read_schema_state(config: Config) -> SchemaState:
    """Read how the database stands to this code.

    Refused `database_foreign`, `database_of_old_layout`, `file_is_no_database`; raises the engine's other errors.
    """
    own = versions.get_own_numbers()
    try:
        found = await asyncio.to_thread(versions.read_standing, config.resolved_database_url)
    except Exception as error:
        if not is_no_database(error):
            raise
        raise Refused("file_is_no_database") from error
    words = {
        "empty": found.version is None, "ahead": found.is_ahead(own), "behind": found.is_behind(own),
        "pending": found.admits_older(own),
    }  # fmt: skip
    word = next((word for word, applies in words.items() if applies), "")
    return SchemaState(found.version, f"{own['schema']:04d}", word)


async def upgrade_database(
    config: Config, *, contract: bool = False, backup: Path | None = None, may_skip_backup: bool = False
) -> Upgraded:
    """Upgrade; a database that has tables and needs it is backed up first, to `backup` or into the data folder.

    Refused `database_foreign`, `database_of_old_layout`, `database_ahead`, `old_code_running`, and what a backup refuses. Raises Unavailable `read_only` if the
    database is damaged (XR4).
    """
    url, own = config.resolved_database_url, versions.get_own_numbers()
    with guard_opening(url, Condition(config.state)):
        found = await asyncio.to_thread(versions.read_standing, url)
        if found.is_ahead(own):
            raise Refused("database_ahead", version=found.version)
        made = None
        if found.is_behind(own) or (contract and found.admits_older(own)):
            if found.version is not None and not may_skip_backup:
                made = backup or config.data / f"before-{own['schema']:04d}-{read_wall_clock():%Y%m%dT%H%M%SZ}.backup"
                await build_backups(config).make(made)
            await asyncio.to_thread(versions.upgrade, url, contract=contract)
        now = await asyncio.to_thread(versions.read_standing, url)
    return Upgraded(now.version or "", made, now.admits_older(own))
