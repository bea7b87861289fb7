"""What both engines can do but say differently, or only within limits."""

from collections.abc import Collection
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Insert, Table, select
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T", int, str)
MAX_VALUES = 5_000  # values of one IN list; SQLite takes 32,766 parameters, asyncpg 32,767


def insert_new(dialect: str, table: Table) -> Insert:
    """Return an insert that skips rows whose unique key is taken."""
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def find_existing(
    c: Connection, column: ColumnElement[T], values: Collection[T], *conditions: ColumnElement[bool]
) -> set[T]:
    """Return which of these values the column has in a row that meets the conditions, however many they are."""
    found: set[T] = set()
    wanted = sorted(set(values))
    for first in range(0, len(wanted), MAX_VALUES):
        query = select(column).where(column.in_(wanted[first : first + MAX_VALUES]), *conditions)
        found.update(c.execute(query).scalars())
    return found
