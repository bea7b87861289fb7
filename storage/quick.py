"""Statements of the busiest paths, compiled once: on SQLite they go straight to the driver, else the usual way."""

from collections import namedtuple
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import Executable
from sqlalchemy.sql.selectable import Select


class Quick:
    """One statement with named parameters; its SQL and the order of its parameters are worked out once."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        compiled: Any = statement.compile(  # type: ignore[attr-defined]
            dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True}
        )
        self._sql = str(compiled)
        self._order: tuple[str, ...] = tuple(compiled.positiontup)
        self._fixed: dict[str, Any] = dict(compiled.params)
        names = [c.name for c in statement.selected_columns] if isinstance(statement, Select) else []
        self._row: Any = namedtuple("Row", names) if names else None

    def _run(self, c: Connection, given: Mapping[str, Any]) -> Any:
        raw: Any = c.connection.driver_connection
        values = {**self._fixed, **given}
        return raw.execute(self._sql, tuple(values[name] for name in self._order))

    def changed(self, c: Connection, given: Mapping[str, Any]) -> int:
        """Run a change; how many rows it changed."""
        if c.dialect.name == "sqlite":
            return int(self._run(c, given).rowcount)
        return int(c.execute(self._statement, dict(given)).rowcount)

    def first(self, c: Connection, given: Mapping[str, Any]) -> Any:
        """Run a question; its first row, or None."""
        if c.dialect.name == "sqlite":
            row = self._run(c, given).fetchone()
            return None if row is None else self._row._make(row)
        return c.execute(self._statement, dict(given)).first()
