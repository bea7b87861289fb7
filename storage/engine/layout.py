"""Recognises a database of another program, or laid out otherwise than this code's tables (edited until 1.0)."""

from sqlalchemy import Connection, text

from backend.domain.refusals import Refused
from storage.tables import metadata, outbox

_COLUMNS = {
    "sqlite": text("SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table'"),
    "postgresql": text(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    ),
}


def refuse_unknown_layout(c: Connection, version: str | None, own: str | None) -> None:
    """Refused `database_of_old_layout` for tables that no migration of ours leads on from, `database_foreign` where none is ours.

    `version`: the database's; `own`: this code's, with which the columns must agree. A database of before the
    migrations were put together has other tables, whatever its number says.
    """
    if version is None:
        if set(c.dialect.get_table_names(c)) - {"alembic_version"}:
            raise Refused("database_foreign")
        return
    names = metadata.tables
    there = {(table, column) for table, column in c.execute(_COLUMNS[c.dialect.name]) if table in names}
    ours = {(table.name, column.name) for table in names.values() for column in table.columns}
    if (outbox.name, outbox.c.id.name) not in there or (version == own and there != ours):
        raise Refused("database_of_old_layout")
