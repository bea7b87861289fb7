"""Opens a database with the engine that its URL names; the other engine is not even imported."""

from collections.abc import Callable

from sqlalchemy.engine import make_url

from storage.engine.database import Database
from storage.engine.gate import Gate, Numbers


def open_database(url: str, monotonic: Callable[[], float], numbers: Numbers | None = None) -> Database:
    """Open the database at `sqlite:///path` or `postgresql://…`. Raises ValueError for any other URL.

    `monotonic`: seconds for the leases of an SQLite file, which one process owns. `numbers`: those by which the gate
    admits its user, if not those of this code.
    """
    db = _open(url, monotonic)
    if numbers is not None:
        db.gate = Gate(numbers)
    return db


def _open(url: str, monotonic: Callable[[], float]) -> Database:
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        from storage.engine.sqlite import SqliteDatabase

        return SqliteDatabase(url, monotonic)
    if kind == "postgresql":
        from storage.engine.postgres import PostgresDatabase

        return PostgresDatabase(url)
    raise ValueError(f"unknown database: {kind}")
