"""Builds what watches and checks the place where data are kept, for the server and for commands."""

import os
import time
from collections.abc import Collection, Sequence

from backend.app.config import Config
from backend.app.core import Core
from backend.app.place import is_embedded, list_folders
from backend.operations.alarms import Alarms
from backend.operations.places import measure_free
from backend.operations.storage_check import StorageCheck
from backend.operations.storage_watch import StorageWatch
from backend.ports.operations import SharedDamage, Soundness
from storage.engine.condition import Condition

PROBE = "disk_probe"  # a single value that is written to learn whether there is room again


def build_soundness(config: Config) -> tuple[Soundness, SharedDamage | None]:
    """Build the checks of the configured database, and the row by which its machines tell each other of damage."""
    url = config.resolved_database_url
    if is_embedded(config):
        from storage.operations.soundness import SqliteSoundness

        return SqliteSoundness(url, time.monotonic), None
    from storage.operations.soundness_postgres import PostgresSharedDamage, PostgresSoundness

    return PostgresSoundness(url), PostgresSharedDamage(url)


def build_storage_check(config: Config) -> StorageCheck:
    """Build the check that ends read-only mode."""
    return StorageCheck(Condition(config.state), *build_soundness(config))


def build_storage_watch(core: Core, roles: Collection[str], alarms: Alarms) -> StorageWatch:
    """Build the watch of this process."""
    config = core.config

    async def probe() -> None:
        await core.key_values.put(PROBE, str(os.getpid()))

    return StorageWatch(
        core.db.condition,
        *build_soundness(config),
        alarms,
        core.clock,
        probe=probe,
        guards="clock" in roles,
        measure=lambda: measure_free(list_folders(config)),
        serving_again=core.signals.serving_again,
        notes=core.notes,
    )


async def list_missing_safeguards(config: Config) -> Sequence[str]:
    """List in codes what a PostgreSQL server lacks to find damage itself; nothing if it cannot be asked."""
    if is_embedded(config):
        return []
    from storage.operations.soundness_postgres import list_missing_safeguards as ask

    try:
        return await ask(config.resolved_database_url)
    except Exception:  # the check of the database says what is wrong with the connection
        return []
