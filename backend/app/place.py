"""Where the data of a configuration lie on this machine, and what is wrong with that place."""

from collections.abc import Callable, Sequence
from pathlib import Path

from backend.app.config import Config
from backend.operations.places import find_network_drive, is_wal_missing, read_mounts


def is_embedded(config: Config) -> bool:
    """Whether the database is the embedded SQLite file."""
    return config.resolved_database_url.startswith("sqlite")


def list_folders(config: Config) -> Sequence[Path]:
    """List the folders of this machine whose disks must not fill up."""
    database = find_database_file(config)
    return [config.data, config.state, *([database.parent] if database else [])]


def find_database_file(config: Config) -> Path | None:
    """Return the embedded database's file; None if the database is a server."""
    return Path(config.resolved_database_url.removeprefix("sqlite:///")).resolve() if is_embedded(config) else None


def inspect_place(config: Config, read: Callable[[], str] = read_mounts) -> Sequence[str]:
    """List in codes what is wrong with where the embedded database lies; before it is opened, which hides it (FD14)."""
    database = find_database_file(config)
    if database is None:
        return []
    notes = ["network_drive"] if find_network_drive(database, read()) else []
    return [*notes, *(["wal_missing"] if is_wal_missing(database) else [])]
