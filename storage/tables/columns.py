"""The few kinds of columns that all tables are made of."""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text, text
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def at(name: str, *, null: bool = True) -> Column[int]:
    """A column of instants in whole microseconds since 1970-01-01 UTC."""
    return Column(name, BigInteger, nullable=null)


def col(
    name: str, kind: type[TypeEngine[Any]] = Text, *, null: bool = False, default: str | None = None
) -> Column[Any]:
    """A column, not null unless `null` is set."""
    return Column(name, kind, nullable=null, server_default=text(default) if default is not None else None)


def key(name: str = "id") -> Column[int]:
    """A primary key whose value we assign (storage/engine/ids.py), never the database."""
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)
