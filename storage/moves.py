"""Stores moves: snapshots read in one go, plans written by compare-and-set in one transaction.

SQLite loads, decides and writes in one job of the writer thread; PostgreSQL reads with one statement and writes the
whole plan with another (a chain of CTEs behind the compare-and-set), so a move is two round trips.
"""

from storage.db import Database
from storage.moves_postgres import PG_TYPES, PostgresMoves
from storage.moves_sqlite import SqliteMoves
from storage.postgres import PostgresDatabase
from storage.sqlite import SqliteDatabase

__all__ = ["PG_TYPES", "PostgresMoves", "SqliteMoves", "moves_store"]


def moves_store(db: Database) -> SqliteMoves | PostgresMoves:
    """Create the move store for an engine."""
    if isinstance(db, SqliteDatabase):
        return SqliteMoves(db)
    assert isinstance(db, PostgresDatabase)
    return PostgresMoves(db)
