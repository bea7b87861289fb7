"""Opens a database with the engine that its URL names; the other engine is not even imported."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

from backend.ports.availability import Unavailable
from storage.engine.condition import Condition
from storage.engine.database import Database
from storage.engine.gate import Gate, Numbers


def open_database(
    url: str,
    monotonic: Callable[[], float],
    state: Path | None = None,
    numbers: Numbers | None = None,
    on_unavailable: Callable[[Unavailable], None] | None = None,
) -> Database:
    """Open the database at `sqlite:///path` or `postgresql://…`. Raises ValueError for any other URL.

    `monotonic`: seconds for the leases of an SQLite file, which one process owns. `state`: the folder of marks that
    say that it is damaged; None for a scratch database, whose damage nobody else must know. `numbers`: those by which
    the gate admits its user, if not those of this code. `on_unavailable` is told of each time it could not serve.
    """
    db = _open(url, monotonic, state)
    if on_unavailable is not None:
        db.on_unavailable = on_unavailable
    if numbers is not None:
        db.gate = Gate(numbers)
    return db


def _open(url: str, monotonic: Callable[[], float], state: Path | None) -> Database:
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        from storage.engine.sqlite import SqliteDatabase

        return SqliteDatabase(url, monotonic, Condition(state))
    if kind == "postgresql":
        from storage.engine.postgres import PostgresDatabase

        return PostgresDatabase(url, Condition(state))
    raise ValueError(f"unknown database: {kind}")


def is_no_database(error: Exception) -> bool:
    """Whether an error says that the file is not a database at all."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB


@contextlib.contextmanager
def guard_opening(url: str, condition: Condition) -> Iterator[None]:
    """Around what reads or changes a database before it is open: as `Database.guard` while it is open (XR4).

    Raises Unavailable `read_only` for damage, which is reported.
    """
    try:
        yield
    except Exception as error:
        if make_url(url).get_backend_name() == "sqlite":
            from storage.engine.sqlite import describe_damage, explain_error
        else:
            from storage.engine.postgres import describe_damage, explain_error
        if explain_error(error) != "read_only":
            raise
        condition.report(describe_damage(error))
        raise Unavailable("read_only") from error
