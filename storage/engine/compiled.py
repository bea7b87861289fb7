"""Statements of the busiest paths, compiled once per engine and handed straight to the driver."""

from collections import namedtuple
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql import Executable
from sqlalchemy.sql.selectable import Select

from storage.engine.database import Database

_DIALECTS: dict[str, Any] = {"sqlite": sqlite.dialect, "postgresql": asyncpg.dialect}


class Compiled:
    """One statement with named parameters; its SQL and parameter order are worked out once per engine.

    `changed` and `first` run it inside an open transaction (straight on the driver for SQLite, else through
    SQLAlchemy); `ask` and `do` run it on its own.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, object]]] = {}
        names = [c.name for c in statement.selected_columns] if isinstance(statement, Select) else []
        row: Any = namedtuple("Row", names) if names else None
        self._row: Any = row._make if names else tuple

    def _sql_for(self, engine: str, parameters: Mapping[str, object]) -> tuple[str, list[object]]:
        """Return the SQL for an engine's driver and its parameters in order."""
        if engine not in self._compiled:
            made: Any = self._statement.compile(  # type: ignore[attr-defined]
                dialect=_DIALECTS[engine](), compile_kwargs={"render_postcompile": True}
            )
            self._compiled[engine] = str(made), tuple(made.positiontup), dict(made.params)
        sql, order, fixed = self._compiled[engine]
        return sql, [parameters[name] if name in parameters else fixed[name] for name in order]

    def _run(self, c: Connection, parameters: Mapping[str, Any]) -> Any:
        raw: Any = c.connection.driver_connection
        return raw.execute(*self._sql_for("sqlite", parameters))

    def execute(self, c: Connection, parameters: Mapping[str, object]) -> int:
        """Run a change; return how many rows it changed."""
        if c.dialect.name == "sqlite":
            return int(self._run(c, parameters).rowcount)
        return int(c.execute(self._statement, dict(parameters)).rowcount)

    def fetch_first(self, c: Connection, parameters: Mapping[str, object]) -> object:
        """Run a query; return its first row, or None."""
        if c.dialect.name == "sqlite":
            row = self._run(c, parameters).fetchone()
            return None if row is None else self._row(row)
        return c.execute(self._statement, dict(parameters)).first()

    async def read(self, db: Database, parameters: Mapping[str, Any]) -> list[Any]:
        """Run a query on its own; return its rows."""
        if db.dialect == "sqlite":
            rows = await db.read(lambda c: self._run(c, parameters).fetchall())
        else:
            rows = await self._run_raw(db, parameters, writing=False)
        return [self._row(r) for r in rows]

    async def write(self, db: Database, parameters: Mapping[str, Any]) -> list[Any]:
        """Run a change in its own transaction; return the rows it returns."""
        if db.dialect == "sqlite":
            rows = await db.write(lambda c: self._run(c, parameters).fetchall())
        else:
            rows = await self._run_raw(db, parameters, writing=True)
        return [self._row(r) for r in rows]

    async def _run_raw(self, db: Any, parameters: Mapping[str, Any], *, writing: bool) -> Any:
        async with db.acquire_raw(writing=writing) as raw:
            sql, values = self._sql_for("postgresql", parameters)
            return await raw.fetch(sql, *values)
