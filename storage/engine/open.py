"""Opens a database with the engine that its URL names; the other engine is not even imported."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import make_url

from storage.engine.condition import Condition
from storage.engine.database import Database


def open_database(url: str, monotonic: Callable[[], float], state: Path | None = None) -> Database:
    """Open the database at `sqlite:///path` or `postgresql://…`. Raises ValueError for any other URL.

    `monotonic`: seconds for the leases of an SQLite file, which one process owns. `state`: the folder of marks that
    say that it is damaged; None for a scratch database, whose damage nobody else must know.
    """
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        from storage.engine.sqlite import SqliteDatabase

        return SqliteDatabase(url, monotonic, Condition(state))
    if kind == "postgresql":
        from storage.engine.postgres import PostgresDatabase

        return PostgresDatabase(url, Condition(state))
    raise ValueError(f"unknown database: {kind}")
