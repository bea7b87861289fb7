"""Stores moves: snapshots read in one go, plans written by compare-and-set in one transaction.

SQLite loads, decides and writes in one job of the writer thread; PostgreSQL reads with one statement and writes the
whole plan with another (a chain of CTEs behind the compare-and-set), so a move is two round trips.
"""

from storage.engine.database import Database
from storage.engine.postgres import PostgresDatabase
from storage.engine.sqlite import SqliteDatabase
from storage.tickets.moves_postgres import PG_TYPES, PostgresMoveStore
from storage.tickets.moves_sqlite import SqliteMoveStore

__all__ = ["PG_TYPES", "PostgresMoveStore", "SqliteMoveStore", "create_move_store"]


def create_move_store(db: Database) -> SqliteMoveStore | PostgresMoveStore:
    """Create the move store for an engine."""
    if isinstance(db, SqliteDatabase):
        return SqliteMoveStore(db)
    assert isinstance(db, PostgresDatabase)
    return PostgresMoveStore(db)
