"""What both engines can do but say differently, or only within limits."""

from collections.abc import Collection
from functools import cache
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Insert, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T", int, str)
MAX_VALUES = 5_000  # values of one IN list; SQLite takes 32,766 parameters, asyncpg 32,767


@cache
def insert_new(dialect: str, table: Table) -> Insert:
    """Return an insert that skips rows whose unique key is taken."""
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _build_existing(column: ColumnElement[T], *conditions: ColumnElement[bool]) -> Select[T]:
    return select(column).where(column.in_(bindparam("values", expanding=True)), *conditions)


def find_existing(
    c: Connection, column: ColumnElement[T], values: Collection[T], *conditions: ColumnElement[bool]
) -> set[T]:
    """Return which of these values the column has in a row that meets the conditions, however many they are."""
    found: set[T] = set()
    wanted = sorted(set(values))
    query = _build_existing(column, *conditions)
    for first in range(0, len(wanted), MAX_VALUES):
        found.update(c.execute(query, {"values": wanted[first : first + MAX_VALUES]}).scalars())
    return found
